"""Fixtures of the contract of a robot: each test runs for each file in config/robots/."""

from collections.abc import Iterator
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from async_rl_core.agent.episode_state_machine import Phase
from async_rl_core.agent.loop import AgentLoop
from async_rl_core.agent.observation import Frame, JointState
from async_rl_core.agent.outbox import Outbox
from async_rl_core.agent.soft_limits import SoftLimits
from async_rl_core.config.catalogue import robots
from async_rl_core.config.load import resolve
from async_rl_core.config.schema import Config
from async_rl_core.safety.guard import Guard
from async_rl_core.safety.kinematics import Kinematics
from async_rl_core.safety.states import GuardMode
from async_rl_core.sim.arm import SimulatedArm
from async_rl_core.sim.model import urdf_text
from async_rl_core.sim.scene import Scene
from async_rl_core.tasks.checks import CheckedTask
from async_rl_core.tasks.task import Reward, Task

Vector = NDArray[np.float64]


@cache
def scene_of(robot: str, **overrides: str) -> Scene:
    """The robot's scene, with what its file has it do by default: compiled once for all tests."""
    return Scene(resolve("laptop", {"agent.reset_duration": 1.0, **overrides}, robot))


@pytest.fixture(params=robots())
def scene(request: pytest.FixtureRequest) -> Scene:
    return scene_of(request.param)


@pytest.fixture
def config(scene: Scene) -> Config:
    return scene.config


@pytest.fixture
def arm(scene: Scene) -> SimulatedArm:
    return SimulatedArm(scene)


@pytest.fixture
def kinematics(config: Config) -> Kinematics:
    robot = config.robot
    return Kinematics(urdf_text(robot), robot.joints, robot.workspace.frame, robot.tool_frame)


@pytest.fixture
def rig(scene: Scene, arm: SimulatedArm, kinematics: Kinematics) -> "Rig":
    return Rig(scene.config, arm, kinematics)


class Rig:
    """Agent, guard and simulated arm in simulated time; the camera shows nothing."""

    def __init__(self, config: Config, arm: SimulatedArm, kinematics: Kinematics) -> None:
        self.robot = config.robot
        self.arm = arm
        self.kinematics = kinematics
        self.cycle = 1.0 / self.robot.state_rate
        self._config = config
        self._urdf = urdf_text(self.robot)
        self._image = np.full((config.camera.height, config.camera.width, 3), 128, np.uint8)
        self._per_action = round(config.agent.action_cycle_time / self.cycle)

    def stand(self, position: Vector) -> None:
        """A new run, with the arm at rest at `position` (n,) in rad."""
        agent, robot = self._config.agent, self.robot
        self.arm.reset(position)
        self.guard = Guard(robot, self._config.guard, agent.action_cycle_time)
        self.guard.on_description(self._urdf)
        task = CheckedTask(self._config.task, _Nothing(self._config))
        self.loop = AgentLoop(self._config, _Still(len(robot.actuated_joints)), task, Outbox(_accept), _accept)
        self.loop.limits = SoftLimits(robot, self.kinematics, agent.action_cycle_time)

    def cycles(self, seconds: float) -> Iterator[Vector]:
        """Each cycle of the robot for so long, or until a fault: the joint angles (n,) after it."""
        for i in range(round(seconds / self.cycle)):
            now = i * self.cycle
            joints = JointState(self.arm.position, self.arm.velocity, now)
            self.guard.on_publishers(now, 1)
            self.guard.on_joint_state(now, round(1e9 * now), self.robot.joints, joints.position.tolist())
            if i % self._per_action == 0:
                self.loop.add_frame(Frame(self._image, 0, now))
                self.loop.target.placed(self.loop.episodes.episode)
                velocity = self.loop.act(now, joints, "" if self.guard.state is GuardMode.ARMED else "the guard")
                self.guard.on_command(now, i, self.robot.joints, velocity.tolist())
                self.loop.settle(now)
            self.arm.command(self.guard.tick(now))
            self.arm.step(self.cycle)
            yield self.arm.position

    @property
    def episode_runs(self) -> bool:
        """The reset is over: the arm was at its start pose."""
        return self.loop.phase is Phase.RUNNING


class _Still:
    def __init__(self, actions: int) -> None:
        self._action = np.zeros(actions, np.float32)

    def begin_episode(self, episode: int) -> None:
        """Draws no random numbers."""

    def act(self, images: object, state: object) -> NDArray[np.float32]:
        return self._action


class _Nothing(Task):
    def reward(self) -> Reward:
        return lambda outcome: (0.0, 0.0)


def _accept(anything: object) -> bool:
    return True
