from setuptools import find_packages, setup

setup(
    name="visual_target_node",
    version="0.2.0",
    description="The visual target of async_rl: a still or moving disc on a screen.",
    license="Apache-2.0",
    url="https://async-rl.invalid",
    maintainer="async_rl maintainers",
    maintainer_email="maintainers@async-rl.invalid",
    packages=find_packages(exclude=["test", "test.*"]),
    package_data={"visual_target_node": ["py.typed"]},
    data_files=[
        ("share/ament_index/resource_index/packages", ["resource/visual_target_node"]),
        ("share/visual_target_node", ["package.xml"]),
    ],
    install_requires=["setuptools"],
    extras_require={"test": ["pytest"]},
    zip_safe=False,
    entry_points={"console_scripts": ["visual_target_node = visual_target_node.node:main"]},
)
