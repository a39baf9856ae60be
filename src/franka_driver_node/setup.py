from setuptools import find_packages, setup

setup(
    name="franka_driver_node",
    version="0.2.0",
    description="Drives a Franka Research 3, real or simulated, over its maker's network protocol.",
    license="Apache-2.0",
    url="https://async-rl.invalid",
    maintainer="async_rl maintainers",
    maintainer_email="maintainers@async-rl.invalid",
    packages=find_packages(exclude=["test", "test.*"]),
    package_data={"franka_driver_node": ["py.typed"]},
    data_files=[
        ("share/ament_index/resource_index/packages", ["resource/franka_driver_node"]),
        ("share/franka_driver_node", ["package.xml"]),
    ],
    install_requires=["setuptools"],
    extras_require={"test": ["pytest"]},
    zip_safe=False,
    entry_points={
        "console_scripts": [
            "franka_driver_node = franka_driver_node.node:main",
            "franka_sim_node = franka_driver_node.simulator:main",
        ]
    },
)
