"""The robot's description: a URDF, and the meshes that it names."""

import importlib.metadata
import os
import sysconfig
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from async_rl_core.config.catalogue import config_folder
from async_rl_core.config.paths import user_path
from async_rl_core.config.schema import RobotConfig
from async_rl_core.errors import SafetyError, SimulationError
from async_rl_core.ros_environment import ament_prefixes
from async_rl_core.safety.urdf import decode, parse

PACKAGE = "example-robot-data"
MESHES = (".stl", ".obj", ".msh")
"""The kinds of mesh that MuJoCo reads."""

_PACKAGE_URI, _FILE_URI = "package://", "file://"


def urdf_text(robot: RobotConfig) -> str:
    """Returns the URDF for `robot_description`: mesh files stay `package://` URIs, others become `file://` ones.

    Raises `SimulationError` where the model is not installed, or is not a URDF.
    """
    path = model_file(robot.model)
    text = _text(path)
    root = _parsed(path, text)
    changed = False
    for mesh in root.iter("mesh"):
        name = mesh.get("filename", "")
        if name and "://" not in name:  # a reader of the topic does not know where the URDF lies
            mesh.set("filename", f"{_FILE_URI}{path.parent.absolute() / name}")
            changed = True
    return ElementTree.tostring(root, encoding="unicode") if changed else text


def resolved_urdf(robot: RobotConfig) -> Element:
    """Returns the URDF with the absolute paths of its collision meshes and without visuals, as MuJoCo reads it.

    Raises `SimulationError` where the model, or a file that it names, is not installed or of another kind.
    """
    path = model_file(robot.model)
    root = _parsed(path, _text(path))
    for link in root.findall("link"):
        for visual in link.findall("visual"):  # may be Collada, which MuJoCo cannot read
            link.remove(visual)
        for mesh in link.iter("mesh"):
            mesh.set("filename", str(_mesh_file(path, mesh.get("filename", ""))))
    return root


def resolved_urdf_text(robot: RobotConfig) -> str:
    """Returns the text of `resolved_urdf`, for readers that know no ROS packages. Raises `SimulationError`."""
    return ElementTree.tostring(resolved_urdf(robot), encoding="unicode")


def model_file(model: str) -> Path:
    """Returns the URDF of a robot's file: an absolute path, a file beside the robots' files, or of example-robot-data.

    Of several, the one beside the robots' files goes first, then that of a sourced ROS 2. A model beside a robot's file
    elsewhere has an absolute path already.
    Raises `SimulationError` where there is none.
    """
    folders = [config_folder() / "robots"]
    folders += [folder for prefix in _prefixes() if (folder := prefix / "share" / PACKAGE / "robots").is_dir()]
    for folder in folders:
        path = folder / user_path(model)  # which an absolute path replaces
        if path.is_file():
            return path
    raise SimulationError(
        f"robot model {model} not found in {', '.join(map(str, folders))} or beside the robot's file; correct "
        f"its path, or install it: 'pip install {PACKAGE}', or apt 'ros-<distro>-{PACKAGE}'"
    )


def _text(path: Path) -> str:
    try:
        return decode(path.read_bytes())
    except OSError as error:
        raise SimulationError(f"robot model {path} cannot be read: {error.strerror}") from None
    except SafetyError as error:
        raise SimulationError(f"robot model {path} is {error}") from None


def _parsed(path: Path, text: str) -> Element:
    try:
        return parse(text)
    except SafetyError as error:
        raise SimulationError(f"robot model {path} {error}") from None


def _mesh_file(model: Path, name: str) -> Path:
    """Returns the file of a collision mesh, named by `package://`, `file://`, or a path from the URDF's folder."""
    if name.startswith(_PACKAGE_URI):
        package, _, rest = name.removeprefix(_PACKAGE_URI).partition("/")
        path = _shared_file(model, package, rest)
    elif name.startswith(_FILE_URI):
        plain = Path(name.removeprefix(_FILE_URI))
        path = plain if plain.is_file() else Path(unquote(str(plain)))
    elif "://" in name or not name:
        raise SimulationError(f"robot model {model} names the mesh '{name}'; use package://, file:// or a path")
    else:
        path = model.parent.absolute() / name
    if not path.is_file():
        raise SimulationError(f"robot model {model} names the mesh {name}, not found at {path}; correct its path")
    if path.suffix.lower() not in MESHES:
        raise SimulationError(
            f"robot model {model} names the collision mesh {name}; MuJoCo reads {', '.join(MESHES)} only, so convert it"
        )
    return path


def _shared_file(model: Path, package: str, name: str) -> Path:
    for prefix in _prefixes():
        path = prefix / "share" / package / name
        if path.is_file():
            return path
    raise SimulationError(f"robot model {model} names package://{package}/{name}, not found; install {package}")


def _prefixes() -> list[Path]:
    prefixes = [*ament_prefixes(os.environ), Path("/opt/openrobots")]
    try:
        located = importlib.metadata.distribution(PACKAGE).locate_file("cmeel.prefix")
        prefixes.append(Path(str(located)))
    except importlib.metadata.PackageNotFoundError:
        prefixes.append(Path(sysconfig.get_paths()["purelib"]) / "cmeel.prefix")
    return prefixes
