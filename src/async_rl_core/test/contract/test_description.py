"""A robot's file compared with the robot's description, and the view of its camera from the start pose."""

from collections.abc import Iterator
from xml.etree import ElementTree

import mujoco
import numpy as np
import pytest

from async_rl_core.config.catalogue import robots
from async_rl_core.config.load import resolve
from async_rl_core.config.schema import Config
from async_rl_core.errors import ConfigError
from async_rl_core.safety.kinematics import Kinematics
from async_rl_core.sim.camera import Renderer, make_renderer
from async_rl_core.sim.model import urdf_text
from async_rl_core.sim.scene import Scene
from async_rl_core.tasks.reward import TargetReward
from async_rl_core.tasks.visual_reacher import BagReward

from .conftest import scene_of


def can(robot: str, task: str) -> bool:
    try:
        return resolve("laptop", {"task": task}, robot).task == task
    except ConfigError:
        return False


@pytest.fixture(params=[(r, t) for r in robots() for t in ("reaching", "visual_reacher") if can(r, t)], ids="-".join)
def scene(request: pytest.FixtureRequest) -> Scene:
    """Each robot with each kind of target that it can have."""
    robot, task = request.param
    return scene_of(robot, task=task)


@pytest.fixture
def reward(scene: Scene) -> TargetReward | BagReward:
    made = scene.task.reward()
    assert isinstance(made, TargetReward | BagReward)
    return made


@pytest.fixture
def renderer(scene: Scene) -> Iterator[Renderer]:
    made = make_renderer(scene).renderer
    yield made
    made.close()


def test_limits_are_inside_those_of_the_description(config: Config) -> None:
    robot, root = config.robot, ElementTree.fromstring(urdf_text(config.robot))
    for i, name in enumerate(robot.joints):
        limit = root.find(f"joint[@name='{name}']/limit")
        assert limit is not None
        assert float(limit.get("lower", 0)) <= robot.limits.position_lower[i], name
        assert float(limit.get("upper", 0)) >= robot.limits.position_upper[i], name
        assert float(limit.get("velocity", 0)) >= robot.limits.velocity[i], name


def test_the_start_pose_is_free_and_inside_the_workspace(config: Config, scene: Scene, kinematics: Kinematics) -> None:
    start, workspace = np.array(config.robot.start), config.robot.workspace
    tool = kinematics.position(start)
    assert (tool > workspace.lower).all() and (tool < workspace.upper).all()
    data = mujoco.MjData(scene.model)
    scene.place(data, start, (0.0, 0.0))
    mujoco.mj_forward(scene.model, data)
    assert data.ncon == 0


def test_the_target_is_in_view_wherever_it_is(
    config: Config, scene: Scene, renderer: Renderer, reward: TargetReward | BagReward
) -> None:
    start, picture = np.array(config.robot.start), scene.task.picture
    radius, right, low = picture.radius, picture.width - picture.radius, picture.height - picture.radius

    def pixels(*point: float) -> int:
        return int(reward.mask(renderer.render(start, point)).sum())

    centre = pixels(picture.width / 2, picture.height / 2)
    for point in ((radius, radius), (right, radius), (radius, low), (right, low)):
        assert 0.7 * centre < pixels(*point) < 1.4 * centre


def test_the_picture_is_upright(
    config: Config, scene: Scene, renderer: Renderer, reward: TargetReward | BagReward
) -> None:
    start, picture = np.array(config.robot.start), scene.task.picture
    columns, rows = [], []
    for share in (0.25, 0.75):
        mask = reward.mask(renderer.render(start, (share * picture.width, picture.height / 2)))
        columns.append(np.argwhere(mask)[:, 1].mean())
        mask = reward.mask(renderer.render(start, (picture.width / 2, share * picture.height)))
        rows.append(np.argwhere(mask)[:, 0].mean())
    assert columns[1] - columns[0] > 0.2 * config.camera.width
    assert rows[1] - rows[0] > 0.2 * config.camera.height


def test_the_posture_term_is_small_at_the_start_pose(config: Config) -> None:
    assert TargetReward.from_config(config).posture_error(config.robot.start) < 0.2
