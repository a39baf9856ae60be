from setuptools import find_packages, setup

setup(
    name="replay_node",
    version="0.2.0",
    description="The replay store of async_rl, which serves mini-batches through shared memory.",
    license="Apache-2.0",
    url="https://async-rl.invalid",
    maintainer="async_rl maintainers",
    maintainer_email="maintainers@async-rl.invalid",
    packages=find_packages(exclude=["test", "test.*"]),
    package_data={"replay_node": ["py.typed"]},
    data_files=[
        ("share/ament_index/resource_index/packages", ["resource/replay_node"]),
        ("share/replay_node", ["package.xml"]),
    ],
    install_requires=["setuptools"],
    extras_require={"test": ["pytest"]},
    zip_safe=False,
    entry_points={"console_scripts": ["replay_node = replay_node.node:main"]},
)
