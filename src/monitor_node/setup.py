from setuptools import find_packages, setup

setup(
    name="monitor_node",
    version="0.2.0",
    description="The monitor of async_rl: episode records, learning curve, videos.",
    license="Apache-2.0",
    url="https://async-rl.invalid",
    maintainer="async_rl maintainers",
    maintainer_email="maintainers@async-rl.invalid",
    packages=find_packages(exclude=["test", "test.*"]),
    package_data={"monitor_node": ["py.typed"]},
    data_files=[
        ("share/ament_index/resource_index/packages", ["resource/monitor_node"]),
        ("share/monitor_node", ["package.xml"]),
    ],
    install_requires=["setuptools"],
    extras_require={"test": ["pytest"]},
    zip_safe=False,
    entry_points={"console_scripts": ["monitor_node = monitor_node.node:main"]},
)
