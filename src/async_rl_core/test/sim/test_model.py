"""Where the robot's description comes from."""

import re
from pathlib import Path

import pytest

from async_rl_core.config.schema import Config
from async_rl_core.errors import SimulationError
from async_rl_core.sim.model import model_file, resolved_urdf_text, urdf_text


def test_published_text_keeps_package_uris(config: Config) -> None:
    text = urdf_text(config.robot)
    assert "package://example-robot-data/" in text
    assert all(f'name="{joint}"' in text for joint in config.robot.joints)


def test_resolved_text_names_files_that_are_there(config: Config) -> None:
    files = re.findall(r'filename="([^"]+\.stl)"', resolved_urdf_text(config.robot))
    assert files
    assert all(Path(name).is_file() for name in files)


def test_missing_model_says_what_to_install() -> None:
    with pytest.raises(SimulationError, match=r"no_such_robot\.urdf not found in .*pip install example-robot-data"):
        model_file("no_such_robot.urdf")


def test_sourced_ros_goes_first(config: Config, empty_prefix: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AMENT_PREFIX_PATH", str(empty_prefix))
    assert not model_file(config.robot.model).is_relative_to(empty_prefix)  # lacks the model, so is passed over
    path = empty_prefix / "share" / "example-robot-data" / "robots" / "mine.urdf"
    path.write_text("<robot name='mine'/>")
    assert model_file("mine.urdf") == path
    assert model_file(str(path)) == path


def test_a_mesh_that_is_nowhere_is_named(config: Config, tmp_path: Path) -> None:
    path = tmp_path / "arm.urdf"
    path.write_text('<robot name="arm"><mesh filename="package://no_such_package/arm.stl"/></robot>')
    with pytest.raises(
        SimulationError, match=r"package://no_such_package/arm\.stl, not found; install no_such_package"
    ):
        resolved_urdf_text(config.robot.model_copy(update={"model": str(path)}))
