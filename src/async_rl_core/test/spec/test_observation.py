from collections.abc import Sequence

import pytest

from async_rl_core import plugins
from async_rl_core.config.load import resolve
from async_rl_core.errors import ConfigError
from async_rl_core.spec.observation import ImageSpec, ObservationSpec, StatePart
from async_rl_core.tasks.reaching import Reaching

ARM = (
    StatePart("joint_position", 5, "rad"),
    StatePart("joint_velocity", 5, "rad/s"),
    StatePart("previous_action", 5, "1"),
)


@pytest.mark.parametrize(
    ("preset", "image"),
    [
        ("yuan2022_baseline", ImageSpec(88, 156, 9)),
        ("yuan2022_high_resolution", ImageSpec(176, 314, 9)),
        ("yuan2022_large_minibatch", ImageSpec(88, 156, 9)),
    ],
)
def test_spec_of_the_papers_has_their_image_and_the_arm(preset: str, image: ImageSpec) -> None:
    spec = ObservationSpec.from_config(resolve(preset))
    assert spec == ObservationSpec(image, ARM)
    assert spec.policy_size == spec.state_size == 15
    assert spec.require_image() == image == spec.image_shape


def test_image_spec_counts_the_frame_stack() -> None:
    spec = ObservationSpec.from_config(resolve("yuan2022_baseline", {"agent.frame_stack": 1}))
    assert spec.require_image().channels == 3


class StateReach(Reaching):
    """Declares a privileged part before one that the policy sees, and uses no camera."""

    uses_camera = False

    def observation_parts(self) -> Sequence[StatePart]:
        return StatePart("target", 3, "m", privileged=True), StatePart("tool_position", 3, "m")


class TwoOfAName(Reaching):
    def observation_parts(self) -> Sequence[StatePart]:
        return StatePart("joint_position", 3, "rad"), StatePart("tool_position", 3, "m")


def test_spec_of_a_task_without_camera_has_its_parts_and_no_image(monkeypatch: pytest.MonkeyPatch) -> None:
    config = resolve("yuan2022_baseline")
    monkeypatch.setattr(plugins, "load", lambda group, name, base: StateReach)
    spec = ObservationSpec.from_config(config)
    assert spec.image is None and spec.image_shape == (0, 0, 0)
    assert spec.parts == (*ARM, StatePart("tool_position", 3, "m"), StatePart("target", 3, "m", privileged=True))
    assert (spec.policy_size, spec.state_size) == (18, 21)
    with pytest.raises(ConfigError, match="uses no camera"):
        spec.require_image()


def test_spec_of_a_task_whose_part_is_the_arms_names_both(monkeypatch: pytest.MonkeyPatch) -> None:
    config = resolve("yuan2022_baseline")
    monkeypatch.setattr(plugins, "load", lambda group, name, base: TwoOfAName)
    with pytest.raises(ConfigError, match=r"task 'reaching': state part 'joint_position' occurs twice"):
        ObservationSpec.from_config(config)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ((StatePart("angle", 0, "rad"),), "'angle' has size 0"),
        ((StatePart("door", 1, "rad", privileged=True), StatePart("angle", 1, "rad")), "must come last"),
    ],
)
def test_spec_with_a_wrong_part_is_refused(parts: tuple[StatePart, ...], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        ObservationSpec(None, parts)
