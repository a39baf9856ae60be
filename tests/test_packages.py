"""Every package.xml names what its package imports, by the keys that rosdep knows."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from async_rl_core.bringup.graph import nodes
from async_rl_core.config.catalogue import robots
from async_rl_core.config.load import resolve
from async_rl_core.config.sources import cameras

KEYS = {
    "PIL": "python3-pil",
    "argcomplete": "python3-argcomplete",
    "cryptography": "python3-cryptography",
    "cv2": "python3-opencv",
    "gymnasium": "python3-gymnasium-pip",
    "llvmlite": "python3-numba",
    "matplotlib": "python3-matplotlib",
    "mujoco": "python3-mujoco-pip",
    "numba": "python3-numba",
    "numpy": "python3-numpy",
    "pydantic": "python3-pydantic",
    "pygame": "python3-pygame",
    "rich": "python3-rich",
    "tensorboard": "python3-tensorboard-pip",
    "torch": "python3-pytorch-pip",
    "transforms3d": "python3-transforms3d",
    "yaml": "python3-yaml",
}
WITHOUT_KEY = {
    "av": "av",
    "example_robot_data": "example-robot-data",
    "franky_sim": "franky-sim",
    "iceoryx2": "iceoryx2",
    "pylibfranka": "pylibfranka",
    "safetensors": "safetensors",
    "xxhash": "xxhash",
}
"""Packages of modules without a rosdep key; they come from requirements.lock."""

PACKAGES = sorted(path.parent for path in (Path(__file__).resolve().parent.parent / "src").glob("*/setup.py"))
MANIFESTS = sorted((Path(__file__).resolve().parent.parent / "src").glob("*/package.xml"))
packages = pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)


def declared(package: Path) -> set[str]:
    """Returns the rosdep keys that the package needs at run time."""
    manifest = ElementTree.parse(package / "package.xml").getroot()
    return {element.text or "" for tag in ("depend", "exec_depend") for element in manifest.findall(tag)}


def imported(package: Path, sources) -> set[str]:
    """Returns third-party modules that the package imports; launch files belong to async_rl."""
    folders = [package.name, "launch"] if package.name == "async_rl" else [package.name]
    files = [
        source for source in sources if source.package in folders and (source.module or source.package == "launch")
    ]
    return set().union(*(source.top_level for source in files)) - {package.name}


@packages
def test_package_imports_are_declared(package, sources):
    keys = {KEYS.get(module, module) for module in imported(package, sources) - set(WITHOUT_KEY)}
    assert keys <= declared(package)


@packages
def test_package_declares_no_unused_python_library(package, sources):
    keys = {KEYS.get(module, module) for module in imported(package, sources)}
    assert {key for key in declared(package) if key.startswith("python3-")} <= keys


@packages
def test_package_setup_agrees_with_the_manifest(package):
    manifest = ElementTree.parse(package / "package.xml").getroot()
    setup = (package / "setup.py").read_text()
    for tag in ("name", "version", "description", "license", "url"):
        assert f'{tag}="{manifest.findtext(tag)}"' in setup
    assert manifest.get("format") == "3"
    assert (package / "resource" / package.name).is_file()
    assert f"lib/{package.name}" in (package / "setup.cfg").read_text()


@packages
def test_package_of_python_is_typed(package):
    assert (package / package.name / "py.typed").is_file()
    assert f'package_data={{"{package.name}": ["py.typed"]}}' in (package / "setup.py").read_text()


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda path: path.parent.name)
def test_package_version_is_the_one_of_the_suite(manifest, root):
    version = (root / "VERSION").read_text().strip()
    assert ElementTree.parse(manifest).getroot().findtext("version") == version
    newest = re.search(r"^(\S+) \([\d-]+\)\n-+$", (manifest.parent / "CHANGELOG.rst").read_text(), re.MULTILINE)
    assert newest is not None and newest[1] == version


def test_lock_pins_every_direct_dependency(root):
    wanted = [line.split("#")[0].strip() for line in (root / "requirements.in").read_text().splitlines()]
    names = {re.split(r"[=<>]", line)[0].lower() for line in wanted if line}
    pinned: list[str] = []
    for file in ("requirements.lock", "requirements-test.lock"):
        lines = [line for line in (root / file).read_text().splitlines() if not line.startswith("#")]
        assert lines == sorted(lines, key=lambda line: line.split("==")[0])
        pinned += [line.split("==")[0] for line in lines]
    assert names <= set(pinned)
    assert len(set(pinned)) == len(pinned)


def test_lock_pins_packages_without_rosdep_key(root):
    lock = (root / "requirements.lock").read_text()
    assert not [name for name in WITHOUT_KEY.values() if f"\n{name}==" not in lock]


def test_rosdep_skips_packages_from_pip(root):
    manifests = [ElementTree.parse(path).getroot() for path in (root / "src").glob("*/package.xml")]
    wanted = {text for manifest in manifests for element in manifest if (text := element.text or "").endswith("-pip")}
    for file in ("docker/Dockerfile", "README.md"):
        skipped = re.findall(r'--skip-keys "([^"]*)"', (root / file).read_text())
        assert [set(keys.split()) for keys in skipped] == [wanted], file


def startable() -> set[str]:
    """Returns the packages of the nodes of every possible run."""
    configs = [resolve("laptop", {"architecture": architecture}) for architecture in ("seq", "async1", "async2")]
    configs += [resolve("laptop", {"camera.source": camera, "rviz": True}) for camera in cameras()]
    for robot in robots():
        configs.append(resolve("laptop", {}, robot))
        for driver in configs[-1].robot.drivers:
            real = {"hardware": "real", "robot_ip": "192.0.2.1", "guard.auto_arm": False, "driver": driver}
            configs.append(resolve("laptop", real, robot))
    return {spec.package for config in configs for spec in nodes(config, Path("config.yaml"))}


def test_bringup_declares_every_package_that_it_starts(root):
    own = {package.name for package in PACKAGES}
    assert {"image_converter_node", "franka_driver_node", "robot_status_node"} <= startable()
    assert startable() & own <= declared(root / "src" / "async_rl")
