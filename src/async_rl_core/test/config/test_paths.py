"""Home folders in arguments, presets, robots and commands."""

from pathlib import Path

import pytest

from async_rl.command import main
from async_rl_core.bringup.arguments import configure
from async_rl_core.config.load import resolve
from async_rl_core.errors import ConfigError, SimulationError
from async_rl_core.security.keystore import keystore_folder
from async_rl_core.sim.model import model_file

NOBODY = "~nosuchuser/runs"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def test_home_folder_in_a_preset_is_expanded(home: Path) -> None:
    (home / "mine.yaml").write_text("run_dir: ~/runs/x\nevaluation: {checkpoint: ~/c}\n", encoding="utf-8")
    config = resolve("~/mine.yaml")
    assert (config.run_dir, config.evaluation.checkpoint) == (home / "runs/x", home / "c")
    assert configure({"preset": "~/mine.yaml", "run_dir": "~/y"}).run_dir == home / "y"


@pytest.mark.parametrize("name", ["preset", "robot", "run_dir", "resume"])
def test_unknown_user_in_an_argument_is_named(name: str) -> None:
    with pytest.raises(ConfigError, match=r"'~nosuchuser/runs.*no user 'nosuchuser'"):
        configure({name: NOBODY + ".yaml"})


def test_unknown_user_in_a_file_is_named_with_its_line(home: Path) -> None:
    (home / "mine.yaml").write_text(f"seed: 1\nrun_dir: {NOBODY}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"mine\.yaml:2: run_dir: .*no user 'nosuchuser'"):
        resolve(str(home / "mine.yaml"))


def test_unknown_user_elsewhere_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises((ConfigError, SimulationError), match="no user 'nosuchuser'"):
        model_file(NOBODY)
    with pytest.raises(ConfigError, match="no user 'nosuchuser'"):
        keystore_folder({"ROS_SECURITY_KEYSTORE": NOBODY})
    monkeypatch.setenv("ASYNC_RL_CONFIG", NOBODY)
    with pytest.raises(ConfigError, match="no user 'nosuchuser'"):
        resolve()


@pytest.mark.parametrize(
    "words", [["evaluate", NOBODY], ["export", NOBODY], ["config", "accept", NOBODY], ["runs", NOBODY]]
)
def test_unknown_user_in_a_command_is_one_line(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    assert "no user 'nosuchuser'" in (error := capsys.readouterr().err) and error.count("\n") == 1
