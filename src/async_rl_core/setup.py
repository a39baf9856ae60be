from setuptools import find_packages, setup

setup(
    name="async_rl_core",
    version="0.2.0",
    description="The plain-Python heart of async_rl: tasks, replay, learning, transport, safety and simulation.",
    license="Apache-2.0",
    url="https://async-rl.invalid",
    maintainer="async_rl maintainers",
    maintainer_email="maintainers@async-rl.invalid",
    packages=find_packages(exclude=["test", "test.*"]),
    package_data={"async_rl_core": ["py.typed"]},
    data_files=[
        ("share/ament_index/resource_index/packages", ["resource/async_rl_core"]),
        ("share/async_rl_core", ["package.xml"]),
    ],
    install_requires=["setuptools"],
    extras_require={"test": ["pytest"]},
    zip_safe=False,
    entry_points={
        "async_rl.algorithms": [
            "ddpg = async_rl_core.algorithms.ddpg.config:DDPGConfig",
            "sac = async_rl_core.algorithms.sac.config:SACConfig",
        ],
        "async_rl.tasks": [
            "reach = async_rl_core.tasks.reach:Reach",
            "reaching = async_rl_core.tasks.reaching:Reaching",
            "tracking = async_rl_core.tasks.tracking:Tracking",
            "visual_reacher = async_rl_core.tasks.visual_reacher:VisualReacher",
        ],
    },
)
