"""Presets that extend others, and renamed presets."""

from pathlib import Path

import pytest

from async_rl_core.config.catalogue import RENAMED_PRESETS, presets
from async_rl_core.config.load import resolve
from async_rl_core.errors import ConfigError


def written(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)


def error_of(preset: str) -> str:
    with pytest.raises(ConfigError) as caught:
        resolve(preset)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_resolve_extending_preset_takes_the_other_values_from_its_base(tmp_path: Path) -> None:
    base = written(
        tmp_path / "base.yaml", "extends: laptop\nsac: {layer_norm: false}\nlearning: {batch_size: 32}\nseed: 7\n"
    )
    config = resolve(written(tmp_path / "mine.yaml", f"extends: {Path(base).name}\nsac: {{hidden_sizes: [8]}}\n"))
    assert (config.preset, config.seed, config.camera.width) == ("mine", 7, 80)
    assert config.learning.batch_size == 32
    assert (config.algorithm_settings["layer_norm"], config.algorithm_settings["hidden_sizes"]) == (False, [8])


def test_resolve_invalid_value_of_the_base_names_the_file_of_the_base(tmp_path: Path) -> None:
    base = written(tmp_path / "base.yaml", "seed: 1\nsac:\n  encoder_channels: 0\n")
    mine = written(tmp_path / "mine.yaml", "extends: base.yaml\nsac:\n  hidden_sizes: [8, 0]\n")
    message = error_of(mine)
    assert f"{base}:3: sac.encoder_channels" in message and f"{mine}:3: sac.hidden_sizes.1" in message


def test_resolve_extending_preset_of_another_task_drops_the_parameters_of_the_base(tmp_path: Path) -> None:
    written(tmp_path / "base.yaml", "task: visual_reacher\nparameters: {alpha: 0.5}\n")
    assert "alpha" not in resolve(written(tmp_path / "mine.yaml", "extends: base.yaml\ntask: tracking\n")).parameters


@pytest.mark.parametrize(
    ("extends", "said"),
    [
        ("lptop", "did you mean 'laptop'"),
        ("3", "must be the name of a preset"),
        ("nothing.yaml", "no such file"),
        ("mine.yaml", "extends this file in turn"),
        ("paper_baseline", "use 'yuan2022_baseline'"),
    ],
)
def test_resolve_invalid_extends_is_refused_with_its_line(tmp_path: Path, extends: str, said: str) -> None:
    path = written(tmp_path / "mine.yaml", f"seed: 1\nextends: {extends}\n")
    message = error_of(path)
    assert message.startswith(f"{path}:2: extends") and said in message


@pytest.mark.parametrize("old", RENAMED_PRESETS)
def test_resolve_renamed_preset_names_the_new_name(old: str) -> None:
    assert RENAMED_PRESETS[old] in presets()
    assert error_of(old) == f"preset '{old}' was renamed; use '{RENAMED_PRESETS[old]}'"
