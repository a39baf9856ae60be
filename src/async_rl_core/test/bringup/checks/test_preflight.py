"""Checks before anything starts: one line per problem."""

import errno
import os
import shutil
import stat
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from async_rl_core.bringup.checks import preflight
from async_rl_core.bringup.checks.preflight import check, create_run_folder
from async_rl_core.bringup.graph import nodes
from async_rl_core.bringup.run import prepared
from async_rl_core.config.catalogue import CONFIG_FILE, config_folder
from async_rl_core.config.load import read_config, resolve
from async_rl_core.config.schema import Config
from async_rl_core.errors import AsyncRLError, ConfigError
from async_rl_core.run_folder.run_folder import RunFolder
from async_rl_core.security.issue import make_keystore
from async_rl_core.transport.shared_memory.service import Endpoint

NOW = datetime(2026, 5, 4, 3, 2, 1)


@pytest.fixture
def ambient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A workspace with every executable, a domain that no other test uses, and an empty current folder."""
    prefix = tmp_path / "install"
    for spec in nodes(resolve(), Path(CONFIG_FILE)):
        path = prefix / "lib" / spec.package / spec.executable
        path.parent.mkdir(parents=True)
        path.touch(0o755)
    monkeypatch.setattr(preflight, "ros_domain", lambda ambient: 10_000 + os.getpid())
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return {"AMENT_PREFIX_PATH": str(prefix), "ROS_DOMAIN_ID": "16"}


def refusal(config: Config, ambient: dict[str, str]) -> str:
    """The one line, with nothing created and the lock given back."""
    with pytest.raises(AsyncRLError) as caught, prepared(config, ambient, NOW):
        pass
    assert not any(Path.cwd().iterdir())
    check(resolve(), {**ambient, "AMENT_PREFIX_PATH": str(Path.cwd().parent / "install")}).close()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_run_gets_its_own_folder_with_its_configuration(ambient: dict[str, str]) -> None:
    with prepared(resolve("laptop", {"seed": 9}), ambient, NOW) as (config, specs):
        folder = Path.cwd() / "runs" / "20260504-030201-reaching-laptop"
        assert config.run_dir == folder
        assert read_config(RunFolder(folder).config) == config
        assert specs[0].parameters == {"config": str(RunFolder(folder).config)}
    second = create_run_folder(resolve(), NOW)
    assert second.run_dir == Path(f"{folder}-2")


def test_prepared_run_creates_files_for_its_user_only(ambient: dict[str, str], tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with prepared(resolve(), ambient, NOW) as (config, _):
            assert config.run_dir is not None
            (config.run_dir / "file").touch()  # as a process would, which inherits the umask
            assert stat.S_IMODE(config.run_dir.stat().st_mode) == 0o700
            assert stat.S_IMODE((config.run_dir / "file").stat().st_mode) == 0o600
        assert os.umask(0) == 0
    finally:
        os.umask(before)


def test_a_secure_run_gets_its_keys_or_is_refused(ambient: dict[str, str], tmp_path: Path) -> None:
    ambient["ROS_SECURITY_KEYSTORE"] = str(tmp_path / "keys")
    secure = resolve("laptop", {"secure": True})
    assert "there is no keystore" in refusal(secure, ambient)
    make_keystore(tmp_path / "keys", config_folder() / "security", datetime.now(UTC))
    with prepared(secure, ambient, NOW) as (_, specs):
        assert {spec.enclave for spec in specs} == {f"/async_rl/{spec.name}" for spec in specs}
        assert all(spec.env["ROS_SECURITY_STRATEGY"] == "Enforce" and spec.descriptors for spec in specs)


def test_a_second_copy_is_refused(ambient: dict[str, str]) -> None:
    with prepared(resolve(), ambient, NOW), pytest.raises(ConfigError, match="already runs in ROS domain"):
        check(resolve(), ambient)


def test_an_occupied_service_is_refused(ambient: dict[str, str]) -> None:
    endpoint = Endpoint(str(10_000 + os.getpid()), "stranger")
    service = endpoint.service("steps", lambda builder: builder.event(), "test")
    try:
        with pytest.raises(ConfigError, match=r"shared memory is in use: .*stranger.*ROS_DOMAIN_ID"):
            check(resolve(), ambient)
    finally:
        del service
        endpoint.close()
    check(resolve(), ambient).close()


def test_a_full_run_folder_is_refused_and_an_empty_one_taken(ambient: dict[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    config = resolve("laptop", {"run_dir": folder})
    assert create_run_folder(config, NOW).run_dir == folder
    message = refusal(config, ambient)
    assert message == (
        f"run folder {folder} is not empty; resume that run with resume:={folder}, "
        "or choose another folder with run_dir:=<folder>"
    )
    RunFolder(folder).config.rename(folder / "notes.txt")
    assert "is not empty; choose another folder with run_dir:=<folder>" in refusal(config, ambient)


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_refused(ambient: dict[str, str]) -> None:
    assert "Permission denied" in refusal(resolve("laptop", {"run_dir": "/proc/mine"}), ambient)


def test_runs_folder_of_another_user_is_refused(ambient: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object) -> Path:
        raise PermissionError(errno.EACCES, "Permission denied", "runs/x")

    monkeypatch.setattr(RunFolder, "new", denied)
    message = refusal(resolve(), ambient)
    assert message.endswith("Permission denied; choose another with run_dir:=<folder>")


def test_display_that_does_not_answer_is_refused(ambient: dict[str, str]) -> None:
    message = refusal(resolve("laptop", {"display": True}), {**ambient, "DISPLAY": ":54321"})
    assert "display:=true, but no display answers at DISPLAY ':54321'" in message


def test_variable_that_breaks_a_run_is_refused_before_anything_is_made(ambient: dict[str, str]) -> None:
    ambient["RMW_IMPLEMENTATION"] = "rmw_cyclonedds_cpp"
    with pytest.raises(ConfigError, match="RMW_IMPLEMENTATION"), prepared(resolve(), ambient, NOW):
        pass
    assert not any(Path.cwd().iterdir())


def test_a_file_in_the_way_is_refused(ambient: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    message = refusal(resolve("laptop", {"run_dir": tmp_path / "file" / "run"}), ambient)
    assert str(tmp_path / "file" / "run") in message


def test_a_full_disk_is_refused(ambient: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "MIN_DISK", 2**80)
    assert "free some, or set run_dir" in refusal(resolve(), ambient)


def test_a_disk_too_small_for_the_journal_is_refused(
    ambient: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def free(gibibytes: int) -> None:
        monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=gibibytes * 2**30))

    free(4)
    config = resolve("yuan2022_baseline", {"run_dir": str(tmp_path / "run")})
    message = refusal(config, ambient)
    assert "replay.capacity 100000 at 160x90 needs 47" in message
    assert "4096 MiB are free" in message
    assert "replay.journal: false" in message
    for fits in ({"replay.journal": False}, {"replay.capacity": 80_000}, {"duration": 600.0}):
        preflight.check_disk(resolve("yuan2022_baseline", fits), tmp_path)
    (tmp_path / "run" / "replay").mkdir(parents=True)
    with (tmp_path / "run" / "replay" / f"steps_{0:015d}.journal").open("wb") as file:
        file.truncate(2 * 2**30)  # a run that goes on has some of it already
    preflight.check_disk(config, tmp_path / "run")


def test_too_little_shared_memory_is_refused(ambient: dict[str, str]) -> None:
    huge = resolve("laptop", {"learning.batch_size": 4096, "camera.width": 1920, "camera.height": 1080})
    assert "--shm-size" in refusal(huge, ambient)


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ({"robot.model": "no_description/no.urdf"}, "robot model no_description/no.urdf not found"),
        ({"display": True}, "display:=true, but DISPLAY is not set"),
        ({"rviz": True}, "rviz:=true, but rviz2 is not installed"),
    ],
)
def test_check_executables_missing_ones_are_named(
    overrides: dict[str, object], expected: str, ambient: dict[str, str]
) -> None:
    assert expected in refusal(resolve("laptop", overrides), ambient)


def test_a_description_that_cannot_be_read_is_refused_with_nothing_made(
    ambient: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "arm.urdf").write_text("<robot", encoding="utf-8")
    config = resolve("laptop", {"robot.model": str(tmp_path / "arm.urdf"), "run_dir": tmp_path / "run"})
    assert "arm.urdf is not a URDF: not well-formed XML" in refusal(config, ambient)
    (tmp_path / "arm.urdf").write_text(
        '<robot name="a"><link name="b"><collision><geometry><mesh filename="c.stl"/></geometry></collision></link>'
        "</robot>",
        encoding="utf-8",
    )
    assert "names the mesh c.stl, not found at" in refusal(config, ambient)
    assert not (tmp_path / "run").exists()


def test_a_workspace_that_is_not_built_is_refused(ambient: dict[str, str]) -> None:
    assert "not found on AMENT_PREFIX_PATH; build" in refusal(resolve(), {**ambient, "AMENT_PREFIX_PATH": ""})


def test_prepared_resumed_run_is_refused_while_it_runs(ambient: dict[str, str]) -> None:
    said: list[str] = []
    with prepared(resolve(), ambient, NOW) as (config, specs):
        assert all(spec.descriptors for spec in specs)
        with pytest.raises(ConfigError, match="its run is still going"), prepared(config, ambient, NOW, said.append):
            pass
    with prepared(config, ambient, NOW, said.append) as (again, specs):
        assert again == config
        assert all(spec.descriptors for spec in specs)
    assert said == ["resuming at episode 1, step 0, update 0"]
