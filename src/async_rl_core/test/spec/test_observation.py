import pytest

from async_rl_core.config.load import resolve
from async_rl_core.spec.observation import ObservationSpec


@pytest.mark.parametrize(
    ("preset", "expected"),
    [
        ("yuan2022_baseline", ObservationSpec(88, 156, 9, 15)),
        ("yuan2022_high_resolution", ObservationSpec(176, 314, 9, 15)),
        ("yuan2022_large_minibatch", ObservationSpec(88, 156, 9, 15)),
    ],
)
def test_the_papers_observations(preset: str, expected: ObservationSpec) -> None:
    assert ObservationSpec.of(resolve(preset)) == expected


def test_the_frame_stack_counts() -> None:
    assert ObservationSpec.of(resolve("yuan2022_baseline", {"agent.frame_stack": 1})).channels == 3
