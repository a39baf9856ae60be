"""The learning curve is a picture, whatever the run has come to."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from async_rl_core.config.load import resolve
from async_rl_core.monitoring.curve import draw, smoothed
from async_rl_core.run_folder.episodes import EpisodeRow, EpisodeWriter, RecordError
from async_rl_core.run_folder.summary import Summary, write


def make_run(folder: Path, episodes: int, seed: int = 1, summarised: bool = True) -> Path:
    folder.mkdir()
    rng = np.random.default_rng(seed)
    writer = EpisodeWriter(folder / "episodes.csv")
    summary = Summary(resolve("laptop", {"seed": seed}))
    for episode in range(1, episodes + 1):
        level = 0.4 + 12 / (1 + np.exp((60 - episode) / 8))
        term = float(level * rng.uniform(0.5, 1.5))
        row = EpisodeRow(episode, 7.0 * episode, 100 * episode, 60 * episode, 100 * term - 90, term, 1.0, 0)
        writer.write(row)
        summary.add(row, random=episode <= 10)
    writer.close()
    if summarised:
        write(folder / "summary.json", summary.document(7.0 * episodes))
    return folder


@pytest.mark.parametrize("episodes", [0, 1, 10, 120])
def test_curve_of_one_run_is_drawn_at_every_stage(tmp_path: Path, episodes: int) -> None:
    run = make_run(tmp_path / "run", episodes)
    draw([run], run / "learning_curve.png")
    with Image.open(run / "learning_curve.png") as picture:
        assert picture.size == (990, 704)
        assert len(picture.convert("RGB").getcolors(2**20) or []) > 10
    assert not [p for p in run.iterdir() if p.name.startswith(".")]


def test_curve_of_several_runs_needs_no_summary(tmp_path: Path) -> None:
    runs = [make_run(tmp_path / f"run{seed}", 40 + seed, seed, summarised=seed != 2) for seed in (1, 2, 3)]
    (runs[0] / "summary.json").write_text("half a summ")
    draw(runs, tmp_path / "curves.png")
    assert (tmp_path / "curves.png").stat().st_size > 10_000


def test_curve_of_a_folder_without_episodes_names_it(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=r"episodes\.csv"):
        draw([tmp_path], tmp_path / "curves.png")
    assert not (tmp_path / "curves.png").exists()


@given(values=st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=40))
def test_smoothed_value_is_the_mean_of_the_last_ten(values: list[float]) -> None:
    expected = [np.mean(values[max(0, n - 9) : n + 1]) for n in range(len(values))]
    np.testing.assert_allclose(smoothed(values), expected, atol=1e-9)
