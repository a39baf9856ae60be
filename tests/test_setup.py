"""The set-up script: what it chooses, and what it says when something is missing."""

import os
import subprocess
import sys
from pathlib import Path

import environment
import machine
import pytest
import setup
import virtual_environment


@pytest.fixture
def interpreter(tmp_path):
    """Makes executables that answer as a Python of some version would."""

    def make(name: str, version: str) -> str:
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\necho '{version}'\n")
        path.chmod(0o755)
        return str(path)

    return make


def test_the_asked_for_python_is_taken(monkeypatch, interpreter):
    python = interpreter("mine", "3 12")
    monkeypatch.setenv("PYTHON", python)
    assert machine.find_python() == python


def test_a_python_without_wheels_is_named_with_what_is_allowed(monkeypatch, interpreter):
    monkeypatch.setenv("PYTHON", interpreter("old", "3 9"))
    with pytest.raises(machine.MissingError, match=r"no Python 3\.11, 3\.12, 3\.13 found .*old is 3\.9"):
        machine.find_python()


def test_a_later_name_serves_where_python3_is_too_old(monkeypatch, interpreter, tmp_path):
    interpreter("python3", "3 10")
    interpreter("python3.12", "3 12")
    monkeypatch.delenv("PYTHON", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert machine.find_python() == "python3.12"


def test_everything_missing_is_named_at_once(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(machine, "DISK_GIB", 1e6)
    missing = machine.missing_for_venv(sys.executable, tmp_path) + machine.missing_tools(sys.executable)
    with pytest.raises(machine.MissingError) as error:
        machine.require(missing)
    for word in ("free disk", "gcc", "g++", "apt install make"):
        assert word in str(error.value)


def test_nothing_missing_is_no_error():
    machine.require([])


@pytest.mark.parametrize("distro", ["", "humble"])
def test_the_wheels_serve_without_a_fitting_ros(monkeypatch, distro):
    monkeypatch.setenv("ROS_DISTRO", distro)
    assert machine.sourced_ros() is None


def test_a_sourced_ros_that_imports_is_used(monkeypatch):
    monkeypatch.setenv("ROS_DISTRO", "jazzy")
    monkeypatch.setenv("PYTHON", sys.executable)
    assert machine.sourced_ros() == "jazzy"


def test_lock_without_ros_wheels_where_ros_is_sourced(root):
    wheels, torch = virtual_environment.locked(root / "requirements.lock", sys.executable, None)
    sourced, _ = virtual_environment.locked(root / "requirements.lock", sys.executable, "jazzy")
    assert torch == ["torch==2.13.0"]
    assert any(line.startswith("ros-kilted-rclpy==") for line in wheels)
    left_out = set(wheels) - set(sourced)
    assert {line.split("==")[0] for line in left_out if not line.startswith("ros-")} == {
        "numpy",
        "opencv-python-headless",
    }


def test_what_is_optional_is_left_out_where_it_cannot_be_had(root, tmp_path, capsys):
    wheels, _ = virtual_environment.locked(root / "requirements.lock", sys.executable, None)
    assert not [line for line in wheels if line.startswith(("pylibfranka", "franky-sim"))]
    virtual_environment.install_optional(["false"], root / "requirements.lock", tmp_path / "log" / "optional.log")
    assert "left out: franky-sim==1.0.4, pylibfranka==0.21.3" in capsys.readouterr().out


def test_a_failing_command_shows_the_end_of_its_log(tmp_path):
    log = tmp_path / "log" / "pip.log"
    command = [sys.executable, "-c", "print('no wheel of x'); raise SystemExit(3)"]
    with pytest.raises(machine.MissingError, match=r"installing failed with exit code 3; .*\nno wheel of x"):
        virtual_environment.run(command, log, "installing")


def test_build_key_follows_interfaces_and_not_python(tmp_path, monkeypatch):
    monkeypatch.setattr(setup, "ROOT", tmp_path)
    package = tmp_path / "src" / "messages"
    package.mkdir(parents=True)
    (tmp_path / "colcon.meta").write_text("{}")
    (package / "A.msg").write_text("int32 x\n")
    (package / "node.py").write_text("x = 1\n")
    before = setup.build_key("environment", [tmp_path / "src"])
    (package / "node.py").write_text("x = 2\n")
    assert setup.build_key("environment", [tmp_path / "src"]) == before
    (package / "A.msg").write_text("int64 x\n")
    assert setup.build_key("environment", [tmp_path / "src"]) != before


@pytest.mark.parametrize("present", [False, True])
def test_a_stand_in_is_built_only_where_ros_lacks_the_package(tmp_path, monkeypatch, present):
    monkeypatch.setattr(setup, "ROOT", tmp_path / "workspace")
    stand_in = tmp_path / "workspace" / "compat" / "tf2_msgs"
    stand_in.mkdir(parents=True)
    (stand_in / "package.xml").touch()
    prefix = tmp_path / "ros"
    (prefix / "share" / ("tf2_msgs" if present else "other")).mkdir(parents=True)
    monkeypatch.setenv("AMENT_PREFIX_PATH", str(prefix))
    assert setup.base_paths() == [tmp_path / "workspace" / "src", *([] if present else [stand_in])]


def test_environment_of_the_wheels_names_their_libraries(tmp_path):
    libraries = tmp_path / "lib" / "python3.11" / "site-packages" / "ros_rcl.libs"
    libraries.mkdir(parents=True)
    environment.write_environment(Path("/workspace"), tmp_path, None)
    text = (tmp_path / "env.sh").read_text()
    assert str(libraries) in text
    assert "/workspace/config/fastdds.xml" in text
    for chosen, profile in (({}, "/workspace/config/fastdds.xml"), ({"ROS_AUTOMATIC_DISCOVERY_RANGE": "SUBNET"}, "")):
        line = f". {tmp_path / 'env.sh'}; echo $FASTDDS_DEFAULT_PROFILES_FILE"
        shell = subprocess.run(["sh", "-c", line], env={"PATH": os.environ["PATH"], **chosen}, capture_output=True)
        assert shell.stdout.decode().strip() == profile
    environment.write_environment(Path("/workspace"), tmp_path, "jazzy")
    assert "LD_LIBRARY_PATH" not in (tmp_path / "env.sh").read_text()


def test_a_child_finds_the_middleware():
    """The wheels' own start-up hook runs once only, so children depend on what they inherit."""
    inner = "import rclpy; rclpy.init(); rclpy.shutdown()"
    outer = f"import subprocess, sys; sys.exit(subprocess.call([sys.executable, '-c', {inner!r}]))"
    assert os.spawnv(os.P_WAIT, sys.executable, [sys.executable, "-c", outer]) == 0
