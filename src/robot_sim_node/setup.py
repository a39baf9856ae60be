from setuptools import find_packages, setup

setup(
    name="robot_sim_node",
    version="0.2.0",
    description="Simulated arms and their camera, with the interfaces of the real drivers.",
    license="Apache-2.0",
    url="https://async-rl.invalid",
    maintainer="async_rl maintainers",
    maintainer_email="maintainers@async-rl.invalid",
    packages=find_packages(exclude=["test", "test.*"]),
    package_data={"robot_sim_node": ["py.typed"]},
    data_files=[
        ("share/ament_index/resource_index/packages", ["resource/robot_sim_node"]),
        ("share/robot_sim_node", ["package.xml"]),
    ],
    install_requires=["setuptools"],
    extras_require={"test": ["pytest"]},
    zip_safe=False,
    entry_points={
        "console_scripts": [
            "robot_sim_node = robot_sim_node.node:main",
            "camera_sim_node = robot_sim_node.camera_sim_node:main",
        ]
    },
)
