from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).resolve().parent


def shared(folder: str) -> list[tuple[str, list[str]]]:
    """The files of a folder, one entry per sub-folder, to be installed under share/async_rl."""
    folders = [HERE / folder, *sorted(path for path in (HERE / folder).rglob("*") if path.is_dir())]
    return [
        (
            f"share/async_rl/{path.relative_to(HERE)}",
            sorted(str(file.relative_to(HERE)) for file in path.iterdir() if file.is_file()),
        )
        for path in folders
        if path.name != "__pycache__"
    ]


setup(
    name="async_rl",
    version="0.2.0",
    description="Bring-up of async_rl: the command, the launch files, the configuration and the RViz files.",
    license="Apache-2.0",
    url="https://async-rl.invalid",
    maintainer="async_rl maintainers",
    maintainer_email="maintainers@async-rl.invalid",
    packages=find_packages(exclude=["test", "test.*"]),
    package_data={"async_rl": ["py.typed"]},
    data_files=[
        ("share/ament_index/resource_index/packages", ["resource/async_rl"]),
        ("share/async_rl", ["package.xml"]),
        *shared("launch"),
        *shared("config"),
        *shared("rviz"),
    ],
    install_requires=["setuptools"],
    extras_require={"test": ["pytest"]},
    zip_safe=False,
    entry_points={"console_scripts": ["async_rl = async_rl.__main__:main"]},
)
