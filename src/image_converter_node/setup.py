from setuptools import find_packages, setup

setup(
    name="image_converter_node",
    version="0.2.0",
    description="Makes a camera's images into those that the agent sees, and measures how late they are stamped.",
    license="Apache-2.0",
    url="https://async-rl.invalid",
    maintainer="async_rl maintainers",
    maintainer_email="maintainers@async-rl.invalid",
    packages=find_packages(exclude=["test", "test.*"]),
    package_data={"image_converter_node": ["py.typed"]},
    data_files=[
        ("share/ament_index/resource_index/packages", ["resource/image_converter_node"]),
        ("share/image_converter_node", ["package.xml"]),
    ],
    install_requires=["setuptools"],
    extras_require={"test": ["pytest"]},
    zip_safe=False,
    entry_points={
        "console_scripts": [
            "image_converter_node = image_converter_node.node:main",
            "latency_node = image_converter_node.latency_node:main",
        ]
    },
)
