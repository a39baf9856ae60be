"""The bag, what it pays, and what it looks like in the simulator's scene."""

from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from async_rl_core.config.load import resolve
from async_rl_core.errors import ConfigError
from async_rl_core.sim.raycast import RaycastRenderer
from async_rl_core.sim.scene import Scene
from async_rl_core.tasks.registry import make_task
from async_rl_core.tasks.visual_reacher import BagReward, VisualReacher

AWAY = (-50.0, 0.0)
LOW = (-0.01, 0.45, 0.01, -2.03, 0.0, 2.48, 0.78)
"""A pose 12 cm above the table."""
TABLES = {
    "grey": (0.54, 0.52, 0.49),
    "oak": (0.69, 0.52, 0.33),
    "skin": (0.82, 0.60, 0.50),
    "brown": (0.38, 0.19, 0.12),
}
"""Of wood, and of skin as large as a table."""


def reward_of(**overrides: object) -> BagReward:
    task = make_task(resolve("yuan2022_baseline", overrides, "panda"))
    assert isinstance(task, VisualReacher)
    return task.reward()


@pytest.mark.parametrize(("cycle", "steps"), [(0.04, 150), (0.08, 75)])
def test_visual_reacher_episode_of_nothing_but_bag_pays_the_same_in_every_cycle_time(cycle: float, steps: int) -> None:
    reward = reward_of(**{"agent.action_cycle_time": cycle})
    half = np.full((90, 160, 3), 128, np.uint8)
    half[:, :80] = (190, 20, 30)
    value, term = reward.judge(half)
    assert term == pytest.approx(50.0, abs=1.0)  # percent; the blur takes half a column
    assert value * steps == pytest.approx(0.25 * 6000 * term / 100)


def test_visual_reacher_bag_lies_anywhere_in_its_area_and_the_same_again() -> None:
    config = resolve("laptop", {}, "panda")
    task = make_task(config)
    target, width, height = task.target(3), task.picture.width, task.picture.height
    places = []
    for episode in range(200):
        target.reset(episode)
        places.append(target.position(0.0))
    x, y = np.array(places).T
    assert x.min() >= 0.045 and x.max() <= width - 0.045 and np.ptp(x) > 0.9 * (width - 0.09)
    assert y.min() >= 0.045 and y.max() <= height - 0.045 and np.ptp(y) > 0.9 * (height - 0.09)
    again = make_task(config).target(3)
    again.reset(7)
    assert again.position(5.0) == places[7]


def test_visual_reacher_real_arm_pulls_the_bag_aside_on_its_way_back() -> None:
    real = {"hardware": "real", "robot_ip": "192.0.2.1", "guard.auto_arm": False}
    task = make_task(resolve("laptop", real, "fr3"))
    start = task.config.robot.start
    turns = [pose[0] - start[0] for episode in range(100) for pose in task.reset_waypoints(episode)]
    assert len(turns) == 100 and -0.1 <= min(turns) < -0.08 and 0.08 < max(turns) <= 0.1
    assert all(pose[1:] == start[1:] for pose in task.reset_waypoints(5)) and task.reset_waypoints(
        5
    ) == task.reset_waypoints(5)
    assert make_task(resolve("laptop", {}, "fr3")).reset_waypoints(5) == ()


@cache
def seen(lighting: float, table: str) -> list[tuple[NDArray[np.uint8], NDArray[np.bool_]]]:
    """Images of the bag here and there, from high and from low, each with the pixels that it changes."""
    scene = Scene(resolve("yuan2022_baseline", {"sim.lighting": lighting}, "panda"))
    bag = scene.model.body("target").geomadr[0]
    boxes = [g for g in range(scene.model.ngeom) if scene.model.geom_type[g] == 6 and scene.model.geom_bodyid[g] == 0]
    scene.model.geom_rgba[boxes, :3] = TABLES[table]
    assert bag not in boxes
    renderer = RaycastRenderer(scene)
    start = scene.config.robot.start
    found = []
    for pose, place in ((start, (0.1, 0.06)), (start, (0.4, 0.19)), (LOW, (0.35, 0.15))):
        image = renderer.render(np.array(pose), place)
        found.append((image, (image != renderer.render(np.array(pose), AWAY)).any(axis=2)))
    return found


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("lighting", [0.4, 1.0, 1.7])
def test_visual_reacher_rendered_bag_is_found_in_every_light_on_every_table(lighting: float, table: str) -> None:
    mask = reward_of().mask
    for image, truth in seen(lighting, table):
        found = mask(image)
        assert (found & truth).sum() / (found | truth).sum() > 0.95


def test_visual_reacher_arm_without_a_table_in_view_is_refused_in_one_line() -> None:
    with pytest.raises(ConfigError, match=r"^override: task: 'visual_reacher' needs a camera over a table.*'ur5'"):
        resolve("laptop", {"task": "visual_reacher"})


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("parameters.bag_radius", 0.15, r"0\.15 m does not fit a bag_area of 0\.5 x 0\.25 m"),
        ("parameters.alhpa", 1.0, r"parameters\.alhpa: unknown key; did you mean 'alpha'"),
        ("parameters.mask.core.hue", [170, 200], r"parameters\.mask\.core\.hue\.1: 200 is not allowed"),
        ("display", True, "shows nothing on a screen"),
    ],
)
def test_visual_reacher_what_is_wrong_with_its_settings_is_named(key: str, value: object, expected: str) -> None:
    with pytest.raises(ConfigError, match=expected) as caught:
        resolve("laptop", {key: value}, "panda")
    assert "\n" not in str(caught.value)
