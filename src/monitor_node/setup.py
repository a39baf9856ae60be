from setuptools import find_packages, setup

setup(
    name="monitor_node",
    version="0.1.0",
    description="The monitor of async_rl: episode records, learning curve, videos.",
    license="Apache-2.0",
    maintainer="async_rl maintainers",
    maintainer_email="maintainers@async-rl.invalid",
    packages=find_packages(exclude=["test", "test.*"]),
    data_files=[
        ("share/ament_index/resource_index/packages", ["resource/monitor_node"]),
        ("share/monitor_node", ["package.xml"]),
    ],
    install_requires=["setuptools"],
    extras_require={"test": ["pytest"]},
    zip_safe=True,
    entry_points={"console_scripts": ["monitor_node = monitor_node.node:main"]},
)
