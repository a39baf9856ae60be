from setuptools import find_packages, setup

setup(
    name="rl_agent_node",
    version="0.2.0",
    description="The real-time agent of async_rl: observation, policy, velocity command, reward, episodes and resets.",
    license="Apache-2.0",
    url="https://async-rl.invalid",
    maintainer="async_rl maintainers",
    maintainer_email="maintainers@async-rl.invalid",
    packages=find_packages(exclude=["test", "test.*"]),
    package_data={"rl_agent_node": ["py.typed"]},
    data_files=[
        ("share/ament_index/resource_index/packages", ["resource/rl_agent_node"]),
        ("share/rl_agent_node", ["package.xml"]),
    ],
    install_requires=["setuptools"],
    extras_require={"test": ["pytest"]},
    zip_safe=False,
    entry_points={"console_scripts": ["rl_agent_node = rl_agent_node.node:main"]},
)
