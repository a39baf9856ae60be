"""Choices and errors of the set-up script."""

import errno
import io
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import environment
import lockfile
import machine
import progress
import pytest
import setup
import virtual_environment


@pytest.fixture
def interpreter(tmp_path):
    """Returns a function that creates executables which answer like a Python of a version."""

    def make(name: str, version: str) -> str:
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\necho '{version}'\n")
        path.chmod(0o755)
        return str(path)

    return make


def test_find_python_takes_the_requested_one(monkeypatch, interpreter):
    python = interpreter("mine", "3 12")
    monkeypatch.setenv("PYTHON", python)
    assert machine.find_python() == python


def test_find_python_without_wheels_names_allowed_versions(monkeypatch, interpreter):
    monkeypatch.setenv("PYTHON", interpreter("old", "3 9"))
    with pytest.raises(machine.MissingError, match=r"no Python 3\.11, 3\.12, 3\.13 found .*old is 3\.9"):
        machine.find_python()


def test_find_python_falls_back_to_a_later_name(monkeypatch, interpreter, tmp_path):
    interpreter("python3", "3 10")
    interpreter("python3.12", "3 12")
    monkeypatch.delenv("PYTHON", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert machine.find_python() == "python3.12"


def test_missing_tools_are_named_together(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(machine.DISK_GB, "cpu", 1e6)
    missing = machine.missing_for_venv(sys.executable, tmp_path, "cpu") + machine.missing_tools(sys.executable)
    with pytest.raises(machine.MissingError) as error:
        machine.require(missing)
    for word in ("free disk", "gcc", "g++", "apt install make"):
        assert word in str(error.value)


def test_missing_tools_none_is_no_error():
    machine.require([])


@pytest.mark.parametrize("distro", ["", "humble"])
def test_sourced_ros_that_does_not_fit_is_ignored(monkeypatch, distro):
    monkeypatch.setenv("ROS_DISTRO", distro)
    assert machine.sourced_ros() is None


def test_sourced_ros_that_imports_is_used(monkeypatch):
    monkeypatch.setenv("ROS_DISTRO", "jazzy")
    monkeypatch.setenv("PYTHON", sys.executable)
    assert machine.sourced_ros() == "jazzy"


def test_lock_where_ros_is_sourced_lacks_its_packages(root):
    wheels = lockfile.read_lock(root / "requirements.lock")[""]
    left_out = set(wheels) - set(lockfile.without_ros(wheels, sys.executable))
    assert any(pin.startswith("ros-kilted-rclpy==") for pin in left_out)
    others = {lockfile.name_of(pin) for pin in left_out if not pin.startswith("ros-")}
    assert others == {"numpy", "opencv-python-headless"}


def test_lock_groups_hold_what_only_some_machines_need(root):
    groups = lockfile.read_lock(root / "requirements.lock")
    assert set(groups) == {"", "optional", "cuda", "gpu"}
    assert {lockfile.name_of(pin) for pin in groups["optional"]} == {"franky-sim", "pylibfranka"}
    assert "triton" in {lockfile.name_of(pin) for pin in groups["gpu"]}
    assert all(lockfile.name_of(pin).startswith("nvidia-") for pin in groups["cuda"])


@pytest.fixture
def venv(tmp_path):
    """Returns a function that creates folders which look like an environment with packages."""

    def make(**versions: str) -> Path:
        site = tmp_path / "venv" / "lib" / "python3.12" / "site-packages"
        site.mkdir(parents=True)
        for name, version in versions.items():
            (site / f"{name}-{version}.dist-info").mkdir()
            (site / f"{name}-{version}.dist-info" / "RECORD").touch()
        return tmp_path / "venv"

    return make


def test_lacking_names_what_is_absent_or_of_another_version(venv):
    present = lockfile.installed(venv(torch="2.13.0+cpu", Ros_Foo="1.0", rich="14.0.0"))
    pins = ["torch==2.13.0", "ros-foo==1.0", "rich==15.0.0", "xxhash==4.1.0"]
    assert lockfile.lacking(pins, present) == ["rich==15.0.0", "xxhash==4.1.0"]


def test_installed_package_without_its_record_is_lacking(venv):
    folder = venv(rich="15.0.0")
    next(folder.rglob("RECORD")).unlink()  # pip writes it last
    assert lockfile.lacking(["rich==15.0.0"], lockfile.installed(folder)) == ["rich==15.0.0"]


@pytest.mark.parametrize(
    ("version", "gpu", "expected"),
    [
        ("2.13.0+cpu", "no", []),
        ("2.13.0+cpu", "yes", []),
        ("2.13.0", "no", ["cuda"]),
        ("2.13.0", "yes", ["cuda", "gpu"]),
    ],
)
def test_install_takes_the_cuda_libraries_that_this_torch_needs(
    version, gpu, expected, venv, tmp_path, monkeypatch, root
):
    asked: list[str] = []
    monkeypatch.setattr(virtual_environment, "pip", lambda _root, _venv, words, *_: asked.extend(words))
    monkeypatch.setattr(virtual_environment, "rewrite_build_paths", lambda _venv: None)
    monkeypatch.setattr(virtual_environment, "_install_optional", lambda *_: None)
    monkeypatch.setenv("TORCH_GPU", gpu)
    lock = root / "requirements.lock"
    virtual_environment.install(tmp_path, venv(torch=version), [lock], None)
    groups = lockfile.read_lock(lock)
    for name in ("cuda", "gpu"):
        assert set(groups[name]) <= set(asked) if name in expected else not set(groups[name]) & set(asked)


def test_install_with_everything_present_runs_no_pip(venv, tmp_path, monkeypatch):
    lock = tmp_path / "requirements.lock"
    lock.write_text("# comment\ntorch==2.13.0\nrich==15.0.0\ntriton==3.7.1  # gpu\n")
    monkeypatch.setattr(virtual_environment, "run", lambda *_: pytest.fail("something was run"))
    virtual_environment.install(tmp_path, venv(torch="2.13.0+cpu", rich="15.0.0"), [lock], None)


def test_install_where_a_replaced_package_is_present_removes_both_first(venv, tmp_path, monkeypatch):
    lock = tmp_path / "requirements.lock"
    lock.write_text("pygame-ce==2.5.8\ntorch==2.13.0\n")
    folder, commands = venv(torch="2.13.0", pygame="2.6.1", pygame_ce="2.5.8"), []

    def run(command, *_):
        commands.append(command)
        for name in ("pygame-2.6.1", "pygame_ce-2.5.8"):
            shutil.rmtree(next(folder.rglob(f"{name}.dist-info")), ignore_errors=True)

    monkeypatch.setattr(virtual_environment, "run", run)
    monkeypatch.setattr(virtual_environment, "pip", lambda _root, _venv, words, *_: commands.append(words))
    monkeypatch.setattr(virtual_environment, "rewrite_build_paths", lambda _venv: None)
    virtual_environment.install(tmp_path, folder, [lock], None)
    assert commands[0][-4:] == ["uninstall", "--yes", "pygame", "pygame-ce"]
    assert commands[1:] == [["pygame-ce==2.5.8"]]


def test_install_takes_torch_from_the_named_index(venv, tmp_path, monkeypatch):
    lock = tmp_path / "requirements.lock"
    lock.write_text("torch==2.13.0\n")
    asked: list[str] = []
    monkeypatch.setattr(virtual_environment, "pip", lambda _root, _venv, words, *_: asked.extend(words))
    monkeypatch.setattr(virtual_environment, "rewrite_build_paths", lambda _venv: None)
    monkeypatch.setenv("TORCH_INDEX", "https://example.org/cpu")
    virtual_environment.install(tmp_path, venv(), [lock], None)
    assert asked[:2] == ["--index-url", "https://example.org/cpu"]
    assert "torch==2.13.0" in asked


def test_gpu_of_another_machine_is_yes_or_no(monkeypatch):
    monkeypatch.setenv("TORCH_GPU", "maybe")
    with pytest.raises(machine.MissingError, match="TORCH_GPU is 'maybe'; set it to yes or no"):
        machine.has_nvidia_gpu()


def test_optional_packages_are_left_out_where_they_cannot_be_had(root, tmp_path, capsys):
    pins = lockfile.read_lock(root / "requirements.lock")["optional"]
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.symlink_to("/bin/false")
    virtual_environment._install_optional(tmp_path, tmp_path, pins)
    assert "left out: franky-sim==1.0.4, pylibfranka==0.21.3" in capsys.readouterr().out


def test_run_failing_command_shows_the_end_of_its_log(tmp_path):
    log = tmp_path / "log" / "pip.log"
    command = [sys.executable, "-c", "print('no wheel of x'); raise SystemExit(3)"]
    with pytest.raises(machine.MissingError, match=r"installing failed with exit code 3; .*\nno wheel of x"):
        progress.run(command, log, progress.Stage("installing"), io.StringIO())


def test_progress_of_pip_counts_packages_and_megabytes(tmp_path):
    lines = "Collecting a==1\n  Downloading a-1.whl (1.5 MB)\nCollecting b==2\n  Downloading b-2.whl (500 kB)"
    out = io.StringIO()
    stage = progress.PipStage("installing packages", 2)
    progress.run([sys.executable, "-c", f"print({lines!r})"], tmp_path / "log" / "pip.log", stage, out)
    assert out.getvalue().startswith("[setup]   installing packages: 2 of 2, 2 MB fetched, ")


def test_progress_line_appears_while_the_command_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(progress, "PLAIN_PERIOD", 0.0)
    monkeypatch.setattr(progress, "TERMINAL_PERIOD", 0.01)
    waiting = tmp_path / "end"
    code = f"import os, time\nwhile not os.path.exists({str(waiting)!r}): time.sleep(0.01)"

    class Out(io.StringIO):
        def write(self, text: str) -> int:
            waiting.touch()  # the command ends once something was shown
            return super().write(text)

    out = Out()
    progress.run([sys.executable, "-c", code], tmp_path / "log" / "x.log", progress.Stage("waiting"), out)
    assert out.getvalue().count("waiting: ") >= 2


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("/home/a b/async_rl", "a space"),
        ("/home/a:b", ":"),
        ("/a'b", "'"),
        ('/a"b', '"'),
        ("/a$b", r"\$"),
        ("/a%b", "%"),
        ("/a+b", r"\+"),
        ("/home/müller", "ü"),
    ],
)
def test_checkout_path_that_breaks_the_build_is_named(path, named):
    problem = machine.unusable_path(Path(path))
    assert problem
    assert re.search(rf"contains {named}; move it", problem)
    assert "\n" not in problem


def test_checkout_path_that_is_too_long_is_named():
    assert "at most 180" in (machine.unusable_path(Path("/" + "a" * 200)) or "")


def test_ordinary_checkout_path_is_fine():
    assert machine.unusable_path(Path("/home/me/src/async_rl-0.1_1")) is None


def test_checkout_with_a_space_is_refused_before_anything_is_made(root, tmp_path):
    copy = tmp_path / "a b"
    shutil.copytree(root / "tools", copy / "tools", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(root / "requirements.lock", copy)
    done = subprocess.run([sys.executable, "tools/setup.py"], cwd=copy, capture_output=True, text=True)
    assert done.returncode == 1
    assert re.fullmatch(r"\[setup\] error: the checkout's path .* contains a space; move it .*\n", done.stderr)
    assert {path.name for path in copy.iterdir()} == {"tools", "requirements.lock"}


def test_checkout_of_another_user_is_one_line():
    denied = PermissionError(errno.EACCES, "Permission denied", "/x/.venv/env.sh.new")
    assert setup.describe(denied).startswith("/x/.venv/env.sh.new: Permission denied; make ")
    full = OSError(errno.ENOSPC, "No space left on device", "/x/log/pip.log")
    assert setup.describe(full).endswith("free some disk, then try again")


def test_only_another_ros_or_checkout_needs_another_environment(tmp_path):
    venv = tmp_path / ".venv"
    venv.mkdir()
    assert not environment.describes(tmp_path, venv, None)
    environment.write_environment(tmp_path, venv, None)
    assert environment.describes(tmp_path, venv, None)
    assert not environment.describes(tmp_path, venv, "jazzy")
    assert not environment.describes(tmp_path / "moved", venv, None)
    environment.write_environment(tmp_path, venv, "jazzy")
    assert environment.describes(tmp_path, venv, "jazzy")
    assert not environment.describes(tmp_path, venv, "kilted")


def test_readme_names_the_sizes_that_set_up_names(root):
    text = (root / "README.md").read_text()
    for size in machine.DISK_GB.values():
        assert f"{size:g} GB" in text


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
def test_stand_in_is_built_only_if_ros_lacks_the_package(tmp_path, monkeypatch, present):
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


def test_environment_of_a_child_finds_the_middleware():
    """Checks inherited variables, since the start-up hook of the wheels runs once only."""
    inner = "import rclpy; rclpy.init(); rclpy.shutdown()"
    outer = f"import subprocess, sys; sys.exit(subprocess.call([sys.executable, '-c', {inner!r}]))"
    assert os.spawnv(os.P_WAIT, sys.executable, [sys.executable, "-c", outer]) == 0
