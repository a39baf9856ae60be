from setuptools import find_packages, setup

setup(
    name="robot_status_node",
    version="0.1.0",
    description="Tells whether a robot that another driver moves is ready, from what that driver publishes.",
    license="Apache-2.0",
    maintainer="async_rl maintainers",
    maintainer_email="maintainers@async-rl.invalid",
    packages=find_packages(exclude=["test", "test.*"]),
    data_files=[
        ("share/ament_index/resource_index/packages", ["resource/robot_status_node"]),
        ("share/robot_status_node", ["package.xml"]),
    ],
    install_requires=["setuptools"],
    extras_require={"test": ["pytest"]},
    zip_safe=True,
    entry_points={
        "console_scripts": [
            "robot_status_node = robot_status_node.node:main",
        ]
    },
)
