from setuptools import find_packages, setup

setup(
    name="safety_guard_node",
    version="0.2.0",
    description="The safety guard of async_rl: the only publisher to the robot.",
    license="Apache-2.0",
    url="https://async-rl.invalid",
    maintainer="async_rl maintainers",
    maintainer_email="maintainers@async-rl.invalid",
    packages=find_packages(exclude=["test", "test.*"]),
    package_data={"safety_guard_node": ["py.typed"]},
    data_files=[
        ("share/ament_index/resource_index/packages", ["resource/safety_guard_node"]),
        ("share/safety_guard_node", ["package.xml"]),
    ],
    install_requires=["setuptools"],
    extras_require={"test": ["pytest"]},
    zip_safe=False,
    entry_points={"console_scripts": ["safety_guard_node = safety_guard_node.node:main"]},
)
