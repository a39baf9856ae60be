"""A run's configuration that was damaged or edited is noticed by everyone who reads it."""

import random
from contextlib import suppress
from pathlib import Path

import pytest

from async_rl_core.bringup.arguments import configure
from async_rl_core.bringup.resume import resumed
from async_rl_core.config.checksum import Checksum, verdict
from async_rl_core.config.load import accept, read_config, reconfigure, resolve, write_config
from async_rl_core.errors import ConfigError
from async_rl_core.evaluation.evaluate import run_config


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_config(resolve(), tmp_path / "config.yaml")
    return tmp_path / "config.yaml"


def test_checksum_of_400_flipped_bits_lets_none_change_the_configuration(path: Path) -> None:
    data, config = path.read_bytes(), read_config(path)
    rng, silent = random.Random(0), 0
    for position in [*rng.sample(range(8 * len(data)), 380), *range(8 * 80, 8 * 160, 32)]:
        damaged = bytearray(data)
        damaged[position // 8] ^= 1 << position % 8
        try:
            text = damaged.decode()
        except UnicodeDecodeError:
            continue
        if verdict(text) is not Checksum.WRONG:
            path.write_bytes(damaged)
            with suppress(ConfigError):  # a damaged comment
                silent += read_config(path) != config
    assert silent == 0


def test_readers_of_an_edited_configuration_name_the_command_that_confirms_it(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("watchdog: 0.1", "watchdog: 0.2"), encoding="utf-8")
    for read in (read_config, reconfigure, lambda p: resumed(p.parent, {}, {}), lambda p: run_config(p.parent)):
        with pytest.raises(ConfigError, match=f"checksum is wrong.*async_rl config accept {path.parent}"):
            read(path)
    assert accept(path) and not accept(path)
    assert read_config(path).guard.watchdog == reconfigure(path).guard.watchdog == 0.2
    assert path.read_text(encoding="utf-8").count("sha256") == 1


def test_accept_of_an_invalid_edit_changes_nothing(path: Path) -> None:
    text = path.read_text(encoding="utf-8").replace("watchdog: 0.1", "watchdog: 9.0")
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"guard\.watchdog"):
        accept(path)
    assert path.read_text(encoding="utf-8") == text


def test_resolve_edited_configuration_as_preset_is_accepted_with_a_note(path: Path) -> None:
    said: list[str] = []
    arguments = {"preset": str(path), "run_dir": "none"}
    configure(arguments, say=said.append)
    assert not said
    path.write_text(path.read_text(encoding="utf-8").replace("watchdog: 0.1", "watchdog: 0.2"), encoding="utf-8")
    assert configure(arguments, say=said.append).guard.watchdog == 0.2
    assert len(said) == 1 and "edited since its run wrote it" in said[0]


def test_configuration_of_an_older_version_is_read_without_a_checksum(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("# The resolved configuration of this run; run it again\n" + "".join(lines[2:]), encoding="utf-8")
    assert verdict(path.read_text(encoding="utf-8")) is Checksum.MISSING
    assert reconfigure(path) == resolve()
    assert accept(path) and verdict(path.read_text(encoding="utf-8")) is Checksum.RIGHT
