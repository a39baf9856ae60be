"""Mean, standard error and success rate."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from async_rl_core.config.load import resolve
from async_rl_core.evaluation.scores import Score, Scores, success_threshold
from async_rl_core.run_folder.episodes import EpisodeRow
from async_rl_core.tasks.reward import TargetReward


def row(number: int, episode_return: float, target_term: float, missed: int = 0) -> EpisodeRow:
    return EpisodeRow(number, 7.0 * number, 100 * number, 5, episode_return, target_term, 1.0, missed)


def test_by_hand() -> None:
    rows = [row(1, 2.0, 4.9), row(2, 4.0, 5.0, missed=2), row(3, 9.0, 12.0, missed=1)]
    scores = Scores.of(rows, threshold=5.0)
    assert scores.document() == {
        "episodes": 3,
        "return_mean": 5.0,
        "return_standard_error": pytest.approx(math.sqrt((9 + 1 + 16) / 2 / 3)),
        "target_term_mean": pytest.approx(7.3),
        "target_term_standard_error": pytest.approx(math.sqrt((2.4**2 + 2.3**2 + 4.7**2) / 2 / 3)),
        "success_rate": pytest.approx(2 / 3),
        "success_target_term": 5.0,
        "missed_cycles": 3,
    }
    text = "\n".join(scores.lines())
    for figure in ("5.00", "2.08", "7.30", "0.67", "2 of 3 episodes", "5 or more"):
        assert figure in text


@given(st.lists(st.floats(-1e4, 1e4), min_size=2, max_size=30))
def test_agrees_with_numpy(values: list[float]) -> None:
    score = Score.of(values)
    assert score.mean == pytest.approx(np.mean(values), abs=1e-6)
    assert score.standard_error == pytest.approx(np.std(values, ddof=1) / math.sqrt(len(values)), abs=1e-6)


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_episodes_have_no_figure_rather_than_a_wrong_one(count: int) -> None:
    scores = Scores.of([row(1, 3.0, 1.0)][:count], threshold=5.0)
    assert scores.episode_return == Score(3.0 if count else None, None)
    assert scores.success_rate == (0.0 if count else None)
    assert json.loads(json.dumps(scores.document(), allow_nan=False))["return_standard_error"] is None
    assert all("nan" not in line for line in scores.lines())


@pytest.mark.parametrize("form", ["paper", "code"])
def test_the_threshold_is_a_share_of_the_image_in_its_middle(form: str) -> None:
    """A red patch of that share, right in the middle, is just about a success, whatever the form of the reward."""
    config = resolve("yuan2022_baseline", {"reward.form": form, "evaluation.success_coverage": 0.00625})
    height, width = config.camera.height, config.camera.width
    image = np.zeros((height, width, 3), np.uint8)
    image[height // 2 - 5 : height // 2 + 5, width // 2 - 5 : width // 2 + 5, 0] = 200
    covered = 100 / (height * width)
    term = TargetReward.from_config(config).target_term(image)
    assert 0.85 < term / success_threshold(config) / (covered / 0.00625) <= 1.0
