"""Reach on the Panda, in simulated time: from state alone, seven joints."""

from itertools import islice

import numpy as np
import pytest

from async_rl_core.config.load import resolve
from async_rl_core.config.schema import Config
from async_rl_core.errors import ConfigError
from async_rl_core.experiments.simulated_run import SimulatedRun
from async_rl_core.safety.kinematics import Kinematics
from async_rl_core.sim.model import urdf_text
from async_rl_core.spec.observation import ObservationSpec
from async_rl_core.spec.step import Step
from async_rl_core.tasks.outcome import Outcome
from async_rl_core.tasks.reach import Reach

OFFSET = slice(21, 24), slice(24, 27)
"""Tool and target position in the state: behind angles, velocities and previous action of seven joints."""


class Controller:
    """Moves the tool straight to the target, and keeps the steps."""

    def __init__(self, config: Config) -> None:
        robot = config.robot
        self.steps: list[Step] = []
        self._kinematics = Kinematics(urdf_text(robot), robot.joints, robot.workspace.frame, robot.tool_frame)
        self._scale = config.agent.action_scale

    @property
    def policy(self) -> "Controller":
        return self

    def begin_episode(self, episode: int) -> None:
        """Draws no random numbers."""

    def act(self, images: object, state: np.ndarray) -> np.ndarray:
        tool, target = (state[part].astype(np.float64) for part in OFFSET)
        jacobian = self._kinematics.jacobian(state[:7].astype(np.float64))[:3]
        velocity = np.linalg.pinv(jacobian, rcond=0.1) @ (2.0 * (target - tool))
        return np.clip(velocity / self._scale, -1.0, 1.0).astype(np.float32)

    def send(self, step: Step) -> bool:
        self.steps.append(step)
        return True

    def poll(self) -> bool:
        return True


def run(episodes: int, **overrides: object) -> tuple[Config, list[Step], list[bool]]:
    config = resolve("laptop", {"task": "reach", "agent.initial_steps": 0, **overrides}, "panda")
    controller = Controller(config)
    simulated = SimulatedRun(config, controller)
    results = list(islice(simulated.episodes(), episodes))
    simulated.close()
    assert simulated.guard.fault is None
    assert simulated._agent.timing.stale_images == 0  # there are no images
    return config, controller.steps, [result.success for result in results]


def test_reach_observes_state_alone() -> None:
    config, steps, _ = run(1)
    spec = ObservationSpec.from_config(config)
    assert spec.image is None
    assert [(part.name, part.size) for part in spec.parts] == [
        ("joint_position", 7),
        ("joint_velocity", 7),
        ("previous_action", 7),
        ("tool_position", 3),
        ("target_position", 3),
    ]
    assert all(step.frames.shape == (0, 0, 0, 3) and step.state.shape == (27,) for step in steps)


def test_reach_controller_that_knows_the_way_succeeds_in_every_episode() -> None:
    _, steps, successes = run(3)
    assert successes == [True] * 3
    assert [step.index for step in steps] == [*range(151)] * 3
    assert not any(step.terminal for step in steps)


def test_reach_with_end_on_success_ends_the_episode_at_the_target() -> None:
    config, steps, successes = run(3, **{"parameters.end_on_success": True})
    ends = [step for step in steps if step.terminal]
    assert successes == [True] * 3 and len(ends) == 3
    for step in steps:
        near = np.linalg.norm(np.subtract(*(step.state[part] for part in OFFSET))) <= config.parameters["tolerance"]
        assert near == step.terminal
    assert len(steps) < 3 * 100


def test_reach_targets_fill_the_cube_and_follow_from_seed_and_episode() -> None:
    task = Reach(resolve("laptop", {"task": "reach"}, "panda"))

    class View:
        def __init__(self, episode: int) -> None:
            self.episode = episode

        def position(self, body: str) -> np.ndarray:
            return np.zeros(3)

    targets = np.array([task.simulated_state(View(i))["target_position"] for i in range(300)])  # type: ignore[arg-type]
    box = task.config.robot.workspace
    offset = targets - (np.array(box.lower) + np.array(box.upper)) / 2
    assert np.abs(offset).max() <= 0.1 and np.ptp(offset, axis=0).min() > 0.18
    assert (task.simulated_state(View(7))["target_position"] == targets[7]).all()  # type: ignore[arg-type]
    assert len(np.unique(targets, axis=0)) == 300


@pytest.mark.parametrize(("distance", "loss"), [(0.0, 0.0), (0.05, 0.00125), (0.3, 0.025)])
def test_reach_reward_is_huber_in_distance_and_quadratic_in_action(distance: float, loss: float) -> None:
    task = Reach(resolve("laptop", {"task": "reach", "agent.action_cycle_time": 0.048}, "panda"))
    state = {"tool_position": np.zeros(3), "target_position": np.array([distance, 0.0, 0.0])}
    action = np.full(7, 0.5, np.float32)
    reward, term = task.reward()(Outcome(np.zeros(7), np.zeros(7), action, state=state))
    assert reward == pytest.approx(-0.96 * (20.0 * loss + 0.001 * 1.75))
    assert term == -distance


def test_reach_cube_larger_than_the_box_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"parameters\.cube: 0\.4 m does not fit the robot's box; at most 0\.3 m"):
        resolve("laptop", {"task": "reach", "parameters.cube": 0.4}, "panda")
