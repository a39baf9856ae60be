"""The geometry of monitor and target, and what a wrong configuration says."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from async_rl_core.config.schema import Config, TargetSurface
from async_rl_core.errors import SimulationError
from async_rl_core.sim.scene import Array, Scene, surface_rotation

DIRECTIONS = st.tuples(*[st.floats(-1, 1)] * 3)


@given(DIRECTIONS, DIRECTIONS)
def test_scene_surface_frame_is_a_rotation_that_looks_into_it(
    normal: tuple[float, float, float], up: tuple[float, float, float]
) -> None:
    assume(float(np.linalg.norm(np.cross(normal, up))) > 0.1)
    rotation = surface_rotation(TargetSurface(center=(0, 0, 0), size=(0.5, 0.3), normal=normal, up=up))
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-9)
    assert np.linalg.det(rotation) == pytest.approx(1.0)
    np.testing.assert_allclose(rotation[:, 2], -np.array(normal) / np.linalg.norm(normal), atol=1e-9)
    assert rotation[:, 1] @ up < 0  # y is down


def test_scene_picture_covers_the_screen_as_a_viewer_sees_it(scene: Scene, config: Config) -> None:
    monitor = config.robot.monitor  # it looks along -y, so the viewer's right is +x and up is +z
    top_left, bottom_right = scene.target_position((0, 0)), scene.target_position((160, 90))
    center = np.array(monitor.center)
    half = np.array([monitor.size[0] / 2, 0, -monitor.size[1] / 2])
    np.testing.assert_allclose(top_left, center - half, atol=0.002)
    np.testing.assert_allclose(bottom_right, center + half, atol=0.002)


def test_scene_disc_has_the_pictures_radius(scene: Scene, config: Config) -> None:
    radius = scene.model.geom_size[scene.model.body("target").geomadr[0], 0]
    assert radius == pytest.approx(7 / 160 * config.robot.monitor.size[0], rel=0.01)


def test_scene_arm_starts_without_contacts(scene: Scene, start: Array) -> None:
    import mujoco

    data = mujoco.MjData(scene.model)
    data.qpos[scene.position_index] = start
    mujoco.mj_forward(scene.model, data)
    assert data.ncon == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tool_frame": "tool9"}, r"no frame \['tool9'\]"),
        ({"joints": ("a", "b")}, r"no joint \['a', 'b'\]"),
        ({"model": "ur_description/urdf/ur99.urdf"}, "not found"),
    ],
)
def test_scene_robot_that_does_not_fit_is_named(config: Config, change: dict[str, object], message: str) -> None:
    wrong = config.model_copy(update={"robot": config.robot.model_copy(update=change)})
    with pytest.raises(SimulationError, match=message):
        Scene(wrong)


def test_scene_workspace_frame_must_not_move(config: Config) -> None:
    workspace = config.robot.workspace.model_copy(update={"frame": "wrist_1_link"})
    wrong = config.model_copy(update={"robot": config.robot.model_copy(update={"workspace": workspace})})
    with pytest.raises(SimulationError, match="moves with the arm"):
        Scene(wrong)
