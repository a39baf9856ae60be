"""Sources of the robot's description."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from async_rl_core.config.schema import Config, RobotConfig
from async_rl_core.errors import SimulationError
from async_rl_core.safety.kinematics import Kinematics
from async_rl_core.sim.model import model_file, resolved_urdf, resolved_urdf_text, urdf_text
from async_rl_core.sim.scene import Scene

ARM = (
    '<robot name="arm"><link name="base"><collision><geometry><mesh filename={}/></geometry></collision></link></robot>'
)


def test_model_published_text_keeps_package_uris(config: Config) -> None:
    text = urdf_text(config.robot)
    assert "package://example-robot-data/" in text
    assert all(f'name="{joint}"' in text for joint in config.robot.joints)


def test_model_resolved_text_names_files_that_are_there(config: Config) -> None:
    files = re.findall(r'filename="([^"]+\.stl)"', resolved_urdf_text(config.robot))
    assert files
    assert all(Path(name).is_file() for name in files)


def test_model_missing_model_says_what_to_install() -> None:
    with pytest.raises(SimulationError, match=r"no_such_robot\.urdf not found in .*pip install example-robot-data"):
        model_file("no_such_robot.urdf")


def test_model_sourced_ros_goes_first(config: Config, empty_prefix: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AMENT_PREFIX_PATH", str(empty_prefix))
    assert not model_file(config.robot.model).is_relative_to(empty_prefix)  # lacks the model, so is passed over
    path = empty_prefix / "share" / "example-robot-data" / "robots" / "mine.urdf"
    path.write_text("<robot name='mine'/>")
    assert model_file("mine.urdf") == path
    assert model_file(str(path)) == path


def test_model_mesh_that_is_nowhere_is_named(config: Config, tmp_path: Path) -> None:
    path = tmp_path / "arm.urdf"
    path.write_text(ARM.format('"package://no_such_package/arm.stl"'), encoding="utf-8")
    with pytest.raises(
        SimulationError, match=r"package://no_such_package/arm\.stl, not found; install no_such_package"
    ):
        resolved_urdf_text(config.robot.model_copy(update={"model": str(path)}))


@pytest.fixture
def described(config: Config, tmp_path: Path) -> Callable[[str | bytes], RobotConfig]:
    """Makes the run's robot with another description."""

    def describe(text: str | bytes) -> RobotConfig:
        path = tmp_path / "arm.urdf"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return config.robot.model_copy(update={"model": str(path)})

    return describe


def refused(robot: RobotConfig) -> str:
    with pytest.raises(SimulationError) as caught:
        resolved_urdf(robot)
    message = str(caught.value)
    assert "\n" not in message and robot.model in message
    return message


def mesh_of(robot: RobotConfig) -> str:
    return str(next(resolved_urdf(robot).iter("mesh")).get("filename"))


def test_model_mesh_in_single_quotes_or_beside_the_model_or_by_file_uri_is_found(
    described: Callable[[str | bytes], RobotConfig], tmp_path: Path
) -> None:
    (tmp_path / "my part.stl").write_bytes(b"")
    expected = str(tmp_path / "my part.stl")
    for name in ("my part.stl", expected, f"file://{expected}", f"file://{tmp_path}/my%20part.stl"):
        assert mesh_of(described(ARM.format(f"'{name}'"))) == expected
    robot = described(ARM.format("'my part.stl'"))
    assert f'filename="file://{expected}"' in urdf_text(robot)
    uri = "package://example-robot-data/robots/ur_description/meshes/ur5/collision/base.stl"
    assert Path(mesh_of(described(ARM.format(f"'{uri}'")))).is_file()
    assert uri in urdf_text(described(ARM.format(f"'{uri}'")))


def test_model_mesh_in_a_comment_or_a_visual_is_not_demanded(described: Callable[[str | bytes], RobotConfig]) -> None:
    visual = '<visual><geometry><mesh filename="package://nowhere/a.dae"/></geometry></visual>'
    robot = described(f'<robot name="arm"><!-- package://nowhere/b.stl --><link name="base">{visual}</link></robot>')
    assert "nowhere" not in resolved_urdf_text(robot)
    assert "package://nowhere/a.dae" in urdf_text(robot)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("<robot", "not well-formed"),
        ("<sdf/>", "root element is <sdf>"),
        ('<!DOCTYPE robot [<!ENTITY a "b">]><robot><link name="&a;"/></robot>', "document type"),
        (b'<robot name="\xc4"/>', "not text in its encoding"),
        (ARM.format('"missing.stl"'), "names the mesh missing.stl, not found at"),
        (ARM.format('"file:///nowhere/a.stl"'), "file:///nowhere/a.stl, not found"),
        (ARM.format('"http://example.org/a.stl"'), "use package://, file:// or a path"),
        (ARM.format('""'), "names the mesh ''"),
        (ARM.format('"arm.urdf"'), "MuJoCo reads .stl, .obj, .msh only"),
    ],
)
def test_model_description_that_cannot_be_used_is_refused_in_one_line_with_its_file(
    text: str | bytes, problem: str, described: Callable[[str | bytes], RobotConfig]
) -> None:
    assert problem in refused(described(text))


@pytest.mark.parametrize("encoding", ["iso-8859-1", "utf-16", "utf-8-sig"])
def test_model_description_in_any_encoding_is_published_as_text(
    encoding: str, config: Config, described: Callable[[str | bytes], RobotConfig]
) -> None:
    plain = re.sub(r"<\?xml.*?\?>", "", urdf_text(config.robot)).strip().replace('name="ur5"', 'name="Ärm"')
    name = {"utf-8-sig": "utf-8"}.get(encoding, encoding)
    robot = described(f'<?xml version="1.0" encoding="{name}"?>\n{plain}'.encode(encoding))
    text = urdf_text(robot)
    assert 'name="Ärm"' in text
    Kinematics(text, robot.joints, robot.base_frame, robot.tool_frame)
    Scene(config.model_copy(update={"robot": robot}))


@pytest.mark.parametrize("data", [b"", b"solid a\nfacet normal 0 0 1\nendsolid", b"\0" * 100])
def test_model_mesh_that_mujoco_cannot_read_is_refused_in_one_line_with_the_model(
    data: bytes, config: Config, described: Callable[[str | bytes], RobotConfig], tmp_path: Path
) -> None:
    (tmp_path / "bad.stl").write_bytes(data)
    text = re.sub(r'filename="package[^"]*base\.stl"', 'filename="bad.stl"', urdf_text(config.robot))
    assert "bad.stl" in text
    robot = described(text)
    with pytest.raises(SimulationError, match="cannot be read by MuJoCo") as caught:
        Scene(config.model_copy(update={"robot": robot}))
    assert "\n" not in str(caught.value) and robot.model in str(caught.value)
