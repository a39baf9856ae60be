from setuptools import find_packages, setup

setup(
    name="async_rl_ros",
    version="0.2.0",
    description="What the nodes of async_rl share: node base, images, transforms, QoS, diagnostics, scheduling.",
    license="Apache-2.0",
    url="https://async-rl.invalid",
    maintainer="async_rl maintainers",
    maintainer_email="maintainers@async-rl.invalid",
    packages=find_packages(exclude=["test", "test.*"]),
    package_data={"async_rl_ros": ["py.typed"]},
    data_files=[
        ("share/ament_index/resource_index/packages", ["resource/async_rl_ros"]),
        ("share/async_rl_ros", ["package.xml"]),
    ],
    install_requires=["setuptools"],
    extras_require={"test": ["pytest"]},
    zip_safe=False,
)
