from setuptools import find_packages, setup

setup(
    name="learner_node",
    version="0.2.0",
    description="The learner of async_rl: soft actor-critic updates, parameter publication, checkpoints and metrics.",
    license="Apache-2.0",
    url="https://async-rl.invalid",
    maintainer="async_rl maintainers",
    maintainer_email="maintainers@async-rl.invalid",
    packages=find_packages(exclude=["test", "test.*"]),
    package_data={"learner_node": ["py.typed"]},
    data_files=[
        ("share/ament_index/resource_index/packages", ["resource/learner_node"]),
        ("share/learner_node", ["package.xml"]),
    ],
    install_requires=["setuptools"],
    extras_require={"test": ["pytest"]},
    zip_safe=False,
    entry_points={"console_scripts": ["learner_node = learner_node.node:main"]},
)
