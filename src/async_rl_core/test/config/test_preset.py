"""A preset as a file to save and change."""

from pathlib import Path

import pytest

from async_rl.command import main
from async_rl_core.bringup.arguments import defaults, describe, shown_defaults, table
from async_rl_core.config.catalogue import presets, robots
from async_rl_core.config.load import resolve, write_config
from async_rl_core.config.preset import preset_text


@pytest.mark.parametrize("preset", presets())
def test_shown_preset_that_is_saved_is_that_preset(preset: str, tmp_path: Path) -> None:
    path, robot = tmp_path / "mine.yaml", "panda" if preset.startswith("parsaee2023") else "ur5"
    expected = resolve(preset, {}, robot).model_copy(update={"preset": "mine"})
    path.write_text(preset_text(preset), encoding="utf-8")
    assert resolve(str(path), {}, robot) == expected
    path.write_text(preset_text(preset, robot), encoding="utf-8")
    assert resolve(str(path)) == expected


def test_shown_preset_without_a_robot_fits_every_robot(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(preset_text("laptop"), encoding="utf-8")
    for robot in robots():
        expected = resolve("laptop", {}, robot).model_copy(update={"preset": "mine"})
        found = resolve(str(tmp_path / "mine.yaml"), {}, robot)
        assert (found.robot, found.task, found.parameters) == (expected.robot, expected.task, expected.parameters)


def test_preset_command_lists_and_shows(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["preset", "list"]) == 0
    text = capsys.readouterr().out
    assert all(name in text for name in presets())
    assert main(["preset", "show", "yuan2022_baseline", "robot:=panda"]) == 0
    assert "name: panda" in capsys.readouterr().out
    assert main(["preset", "show", "lptop"]) == 2
    assert "did you mean 'laptop'" in capsys.readouterr().err


def test_shown_defaults_of_ros2_launch_follow_the_command_line() -> None:
    words = ["ros2", "launch", "async_rl", "reacher.launch.py", "preset:=yuan2022_baseline", "robot:=fr3"]
    assert shown_defaults(words, "preset") == {}
    shown = shown_defaults([*words, "--show-args"], "preset")
    assert (shown["image_width"], shown["task"], shown["robot"]) == (" [160]", " [visual_reacher]", " [fr3]")
    assert "preset" not in shown and "resume" not in shown


def test_shown_arguments_have_the_values_of_preset_and_robot(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = describe(table(), defaults({}))
    assert "as the preset says)" not in text
    shown = {
        block.splitlines()[0].strip(" ':"): block.splitlines()[-1].strip() for block in text.split("\n\n    '")[1:]
    }
    assert shown["image_width"] == "(default: '80')" and shown["task"] == "(default: 'reaching')"
    assert main(["launch", "reacher", "--show-args", "preset:=yuan2022_high_resolution", "robot:=fr3"]) == 0
    text = capsys.readouterr().out
    assert "(default: '320')" in text and "(default: 'visual_reacher')" in text and "(default: 'fr3')" in text
    assert main(["calibrate", "latency", "preset:=yuan2022_high_resolution", "--show-args"]) == 0
    text = capsys.readouterr().out
    assert "(default: '320')" in text and "as the preset says)" not in text
    write_config(resolve("yuan2022_high_resolution", {"evaluation.episodes": 7}), tmp_path / "config.yaml")
    assert main(["evaluate", str(tmp_path), "--show-args"]) == 0
    assert "(default: '7')" in capsys.readouterr().out
    assert main(["launch", "tracker", "--show-args"]) == 0
    assert "(default: 'tracking')" in capsys.readouterr().out
