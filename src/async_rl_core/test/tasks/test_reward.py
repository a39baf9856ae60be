"""Equation 3.1, against a transcription of it, pixel by pixel."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from async_rl_core.config.schema import RewardConfig
from async_rl_core.errors import ConfigError
from async_rl_core.tasks.reward import TargetReward, centre_weights

POSTURE = [({1: 1.0, 2: 1.0, 3: 1.0}, -math.pi), ({0: 1.0, 4: 1.0}, 0.0)]
LEVEL = (1.5707, -2.0, 1.9, -math.pi + 0.1, -1.5707, 3.1415)


def reward(
    height: int = 90,
    width: int = 160,
    form: str = "paper",
    cycle_time: float = 0.04,
    beta: float = 1.0,
    scaled: bool = True,
) -> TargetReward:
    values = {"form": form, "alpha": 800.0, "beta": beta, "scale_with_cycle_time": scaled, "reference_cycle_time": 0.04}
    return TargetReward(RewardConfig.model_validate(values), height, width, cycle_time, POSTURE)


def literal_target_term(image: NDArray[np.uint8], form: str) -> float:
    """The sum of equation 3.1 over pixels, one by one."""
    height, width, _ = image.shape
    total = 0.0
    for i in range(height):
        for j in range(width):
            r, g, b = (int(v) for v in image[i, j])
            if not (120 <= r <= 255 and 0 <= g <= 50 and 0 <= b <= 50):
                continue
            if form == "paper":
                x, y = j + 0.5 - width / 2, i + 0.5 - height / 2
                total += (1 - abs(2 * x / width)) * (1 - abs(2 * y / height))
            else:
                x, y = j - width // 2, i - height // 2
                total += (0.5 - abs(x) / width) * (0.5 - abs(y) / height)
    term: float = 800.0 * total / (height * width)
    return min(term, 4.0) if form == "code" else term


# Values around the thresholds, so that a drawn image has pixels on either side of each of them.
VALUES = st.sampled_from([0, 1, 49, 50, 51, 119, 120, 121, 254, 255])
IMAGES = hnp.arrays(
    np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=9).map(lambda s: (*s, 3)), elements=VALUES
)


@settings(max_examples=60)
@given(image=IMAGES, form=st.sampled_from(["paper", "code"]))
def test_reward_target_term_is_equation_3_1(image: NDArray[np.uint8], form: str) -> None:
    judge = reward(image.shape[0], image.shape[1], form)
    assert judge.target_term(image) == pytest.approx(literal_target_term(image, form), abs=1e-9)


@settings(max_examples=30)
@given(angles=st.lists(st.floats(-6.3, 6.3), min_size=6, max_size=6), cycle_time=st.floats(0.008, 1.0))
def test_reward_posture_term_and_scaling(angles: list[float], cycle_time: float) -> None:
    image = np.full((9, 16, 3), (255, 0, 0), np.uint8)
    value, term = reward(9, 16, cycle_time=cycle_time).judge(image, np.array(angles))
    posture = abs(math.pi + angles[1] + angles[2] + angles[3]) + abs(angles[0] + angles[4])
    assert value == pytest.approx(cycle_time / 0.04 * (term - posture))
    as_code, _ = reward(9, 16, cycle_time=cycle_time, scaled=False).judge(image, np.array(angles))
    assert as_code == pytest.approx(term - posture)
    assert term == reward(9, 16).judge(image, angles)[1]  # unscaled


def test_reward_paper_weights_fall_from_one_to_zero() -> None:
    weights = centre_weights(91, 161, "paper")
    assert weights[45, 80] == 1.0
    assert weights.max() == 1.0
    assert weights[0].max() < 0.02
    assert weights[:, 0].max() < 0.02
    assert np.array_equal(weights, weights[::-1, ::-1])
    assert centre_weights(90, 160, "code").max() == 0.25


def test_reward_code_form_is_clipped_and_paper_form_is_not() -> None:
    image = np.full((90, 160, 3), (255, 0, 0), np.uint8)
    assert reward(form="code").target_term(image) == 4.0
    assert reward(form="paper").target_term(image) == pytest.approx(200.0, rel=1e-3)  # 800 times the mean weight, 1/4


def test_reward_one_red_pixel_at_the_centre_counts_more_than_at_the_edge() -> None:
    judge = reward(beta=0.0)
    centre, edge, none = (np.full((90, 160, 3), 255, np.uint8) for _ in range(3))
    centre[45, 80] = edge[45, 2] = (200, 10, 10)
    assert judge.judge(centre, LEVEL)[0] > judge.judge(edge, LEVEL)[0] > judge.judge(none, LEVEL)[0] == 0.0


def test_reward_level_posture_costs_nothing() -> None:
    assert reward().posture_error(LEVEL) == pytest.approx(0.0, abs=1e-9)


def test_reward_image_may_be_a_strided_view_and_is_left_alone() -> None:
    padded = np.random.default_rng(0).integers(0, 256, (90, 170, 3), dtype=np.uint8)
    view = padded[:, :160]
    before = padded.copy()
    assert reward().target_term(view) == reward().target_term(np.ascontiguousarray(view))
    assert np.array_equal(padded, before)


@pytest.mark.parametrize(("height", "cycle_time"), [(0, 0.04), (90, 0.0)])
def test_reward_impossible_settings_are_named(height: int, cycle_time: float) -> None:
    with pytest.raises(ConfigError, match="reward: "):
        reward(height, cycle_time=cycle_time)
