from setuptools import find_packages, setup

setup(
    name="robot_status_node",
    version="0.2.0",
    description="Tells whether a robot that another driver moves is ready, from what that driver publishes.",
    license="Apache-2.0",
    url="https://async-rl.invalid",
    maintainer="async_rl maintainers",
    maintainer_email="maintainers@async-rl.invalid",
    packages=find_packages(exclude=["test", "test.*"]),
    package_data={"robot_status_node": ["py.typed"]},
    data_files=[
        ("share/ament_index/resource_index/packages", ["resource/robot_status_node"]),
        ("share/robot_status_node", ["package.xml"]),
    ],
    install_requires=["setuptools"],
    extras_require={"test": ["pytest"]},
    zip_safe=False,
    entry_points={
        "console_scripts": [
            "robot_status_node = robot_status_node.node:main",
        ]
    },
)
