"""The contract of a task: every registered one keeps it, and so does one of another package."""

from functools import cache
from itertools import islice

import gymnasium
import numpy as np
import pytest

from async_rl_core.config.load import resolve, robots
from async_rl_core.config.schema import Config
from async_rl_core.config.task import GROUP, tasks
from async_rl_core.errors import ConfigError
from async_rl_core.experiments.simulated_run import SimulatedRun
from async_rl_core.gym.registration import register
from async_rl_core.spec.observation import ObservationSpec
from async_rl_core.spec.step import Step
from async_rl_core.tasks.checks import CheckedTask, TaskError
from async_rl_core.tasks.registry import make_task

from ..conftest import Install

SHORT = {
    "agent.episode_duration": 0.96,
    "agent.reset_duration": 0.6,
    "camera.width": 80,
    "camera.height": 45,
    "sim.renderer": "raycast",
    "agent.initial_steps": 10_000,
}

PRESSING = '''
"""A button on the table goes down as the tool presses it; the episode ends when it is pressed."""

import numpy as np

from async_rl_core.spec.observation import StatePart
from async_rl_core.tasks.task import Task, TaskParameters


class PressingParameters(TaskParameters):
    depth: float


class Pressing(Task):
    schema = PressingParameters
    uses_camera = False
    episode_term = "last"

    def observation_parts(self):
        return StatePart("tool_position", 3, "m"), StatePart("button_depth", 1, "m", privileged=True)

    def scene(self, spec):
        import mujoco

        button = spec.worldbody.add_body(name="button", pos=(0.5, 0.0, 0.05))
        button.add_joint(name="button", type=mujoco.mjtJoint.mjJNT_SLIDE, axis=(0, 0, -1), stiffness=50.0, damping=5.0)
        button.add_geom(type=mujoco.mjtGeom.mjGEOM_BOX, size=(0.05, 0.05, 0.02), mass=0.1)

    def reset_scene(self, view):
        view.data.joint("button").qpos[0] = 0.001 * (view.episode % 5)

    def simulated_state(self, view):
        return {
            "tool_position": view.position(self.config.robot.tool_frame),
            "button_depth": view.data.joint("button").qpos,
        }

    def reward(self):
        return lambda outcome: (float(outcome.state["button_depth"][0]),) * 2

    def terminal(self, outcome):
        return bool(outcome.state["button_depth"][0] > self.config.parameters["depth"])

    @property
    def success(self):
        return self.config.parameters["depth"]
'''
FILES = {"pressing.py": PRESSING, "pressing.yaml": "parameters:\n  depth: 0.02\n"}


class Recorder:
    """Keeps the steps; the actions are random."""

    def __init__(self) -> None:
        self.steps: list[Step] = []

    @property
    def policy(self) -> "Recorder":
        return self

    def begin_episode(self, episode: int) -> None:
        """Draws nothing."""

    def act(self, *observation: object) -> np.ndarray:
        raise AssertionError("the actions are random")

    def send(self, step: Step) -> bool:
        self.steps.append(step)
        return True

    def poll(self) -> bool:
        return False


@cache
def pairs() -> list[tuple[str, str]]:
    """Each registered task with the first robot that can do it."""
    found = []
    for task in tasks():
        for robot in ("panda", *robots()):
            try:
                resolve("laptop", {"task": task}, robot)
            except ConfigError:
                continue
            found.append((task, robot))
            break
    return found


@pytest.fixture(params=pairs(), ids=lambda pair: pair[0])
def config(request: pytest.FixtureRequest) -> Config:
    task, robot = request.param
    return resolve("laptop", {**SHORT, "task": task}, robot)


@pytest.fixture
def pressing(install: Install) -> Config:
    install(GROUP, "pressing = pressing:Pressing", FILES)
    return resolve("laptop", {**SHORT, "task": "pressing"}, "panda")


def run(config: Config, episodes: int = 2) -> list[Step]:
    recorder = Recorder()
    simulated = SimulatedRun(config, recorder)
    try:
        results = list(islice(simulated.episodes(), episodes))
    finally:
        simulated.close()
    assert simulated.guard.fault is None
    assert [result.episode for result in results] == list(range(1, episodes + 1))
    assert all(np.isfinite([result.episode_return, result.target_term]).all() for result in results)
    return recorder.steps


def check_steps(config: Config) -> None:
    """Every step has the sizes that the task declares, and only finite numbers."""
    spec, camera = ObservationSpec.from_config(config), config.camera
    steps = run(config)
    shape = (0, 0, 3) if spec.image is None else (camera.height, camera.width, 3)
    assert all(step.frames.shape[1:] == shape and step.state.shape == (spec.state_size,) for step in steps)
    assert all(step.is_finite for step in steps)
    assert {step.episode for step in steps} >= {1, 2}


def check_reset(config: Config) -> None:
    """The waypoints of every reset are finite poses within the joint limits, the same again for the same episode."""
    task, limits = CheckedTask(config.task, make_task(config)), config.robot.limits
    for episode in range(1, 20):
        poses = task.reset_waypoints(episode, len(config.robot.joints))
        again = task.reset_waypoints(episode, len(config.robot.joints))
        assert all((one == other).all() for one, other in zip(poses, again, strict=True))
        for pose in poses:
            assert (np.array(limits.position_lower) < pose).all() and (pose < np.array(limits.position_upper)).all()


def check_target(config: Config) -> None:
    """The target of an episode is the same whatever was asked before, and inside its picture."""
    task = make_task(config)
    target, other = task.target(3), task.target(3)
    if target is None or other is None:
        assert target is other is None
        return
    for episode in (5, 2, 5):
        target.reset(episode)
        other.reset(9)
        other.position(1.0)
        other.reset(episode)
        x, y = target.position(0.5)
        assert (x, y) == other.position(0.5)
        assert 0 <= x <= task.picture.width and 0 <= y <= task.picture.height


CHECKS = [check_steps, check_reset, check_target]


@pytest.mark.parametrize("check", CHECKS)
def test_task_registered_keeps_its_contract(check, config: Config) -> None:
    check(config)


@pytest.mark.parametrize("check", CHECKS)
def test_task_of_another_package_keeps_its_contract(check, pressing: Config) -> None:
    check(pressing)


def test_task_of_another_package_sees_its_object_and_keeps_it_from_the_policy(pressing: Config) -> None:
    spec = ObservationSpec.from_config(pressing)
    assert (spec.state_size, spec.policy_size) == (25, 24)
    steps = run(pressing, episodes=3)
    first = {step.episode: float(step.state[-1]) for step in steps if step.index == 0}
    assert len(set(first.values())) == len(first) >= 3  # each reset places the button elsewhere


def test_task_of_another_package_terminal_state_ends_its_episodes(install: Install) -> None:
    install(GROUP, "pressing = pressing:Pressing", {**FILES, "pressing.yaml": "parameters:\n  depth: -1.0\n"})
    steps = run(resolve("laptop", {**SHORT, "task": "pressing"}, "panda"))
    assert [(step.index, step.terminal) for step in steps] == [(0, False), (1, True)] * 2


def test_task_of_another_package_is_an_environment_without_images(pressing: Config) -> None:
    register()
    env = gymnasium.make("async_rl/PandaPressing-v0", overrides=SHORT)
    observation, _ = env.reset(seed=1)
    after, *_ = env.step(env.action_space.sample())
    env.close()
    assert set(observation) == {"state"} and observation["state"].shape == (24,)
    assert env.observation_space.contains(after)


BREACHES = {
    "part missing": ('"button_depth": view.data.joint("button").qpos,', "", "its state lacks the part 'button_depth'"),
    "part of a wrong shape": (
        '"tool_position": view.position(self.config.robot.tool_frame)',
        '"tool_position": [1.0, 2.0]',
        r"part 'tool_position' of its state has shape \(2,\), not \(3,\)",
    ),
    "part not finite": (
        '("button").qpos,',
        '("button").qpos * np.nan,',
        "part 'button_depth' of its state is .*nan",
    ),
    "part not numbers": ('view.data.joint("button").qpos,', '"deep",', "part 'button_depth' of its state is 'deep'"),
    "reward not finite": ('(float(outcome.state["button_depth"][0]),) * 2', "(float('nan'), 0.0)", "its reward is nan"),
    "reward not a pair": ('(float(outcome.state["button_depth"][0]),) * 2', "1.0", "its reward returned 1.0"),
    "terminal not a bool": ("return bool(", "return str(", "its terminal returned 'False'"),
    "reset pose of a wrong shape": (
        "    def reward(self):",
        "    def reset_waypoints(self, episode):\n        return ((0.0,),)\n\n    def reward(self):",
        "a reset pose is .*not 7 finite angles",
    ),
    "state raises": (
        "        return {\n",
        "        1 / 0\n        return {\n",
        "its simulated state raised ZeroDiv",
    ),
}


@pytest.mark.parametrize("breach", BREACHES)
def test_task_that_breaks_its_contract_is_refused_at_its_first_step_with_its_name(
    breach: str, install: Install
) -> None:
    right, wrong, message = BREACHES[breach]
    assert PRESSING.count(right) == 1
    install(GROUP, "pressing = pressing:Pressing", {**FILES, "pressing.py": PRESSING.replace(right, wrong)})
    config = resolve("laptop", {**SHORT, "task": "pressing"}, "panda")
    with pytest.raises(TaskError, match=f"^task 'pressing': {message}"):
        run(config)


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ('"tool_position", 3, "m"', '"tool_position", 0, "m"', "state part 'tool_position' has size 0"),
        ('"tool_position", 3, "m"', '"joint_position", 3, "m"', "state part 'joint_position' occurs twice"),
    ],
)
def test_task_with_parts_that_cannot_be_is_refused_at_start_with_its_name(
    right: str, wrong: str, message: str, install: Install
) -> None:
    install(GROUP, "pressing = pressing:Pressing", {**FILES, "pressing.py": PRESSING.replace(right, wrong)})
    with pytest.raises(ConfigError, match=f"^task 'pressing': {message}"):
        resolve("laptop", {**SHORT, "task": "pressing"}, "panda")
