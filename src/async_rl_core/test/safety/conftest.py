"""A guard with a kinematic arm before it that follows every command exactly."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from async_rl_core.config.load import resolve
from async_rl_core.config.schema import Config
from async_rl_core.safety.guard import Guard
from async_rl_core.safety.kinematics import Kinematics
from async_rl_core.sim.model import urdf_text

Vector = NDArray[np.float64]
EPSILON = 1e-9


class Bench:
    """The guard at 125 Hz, an arm that integrates what it is sent, and every limit checked at every cycle."""

    def __init__(self, config: Config, urdf: str, start: Sequence[float] | None = None) -> None:
        self.robot = config.robot
        self.names = list(self.robot.joints)
        self.cycle = 1.0 / self.robot.state_rate
        self.guard = Guard(self.robot, config.guard, config.agent.action_cycle_time)
        self.guard.on_description(urdf)
        self.guard.on_publishers(0.0, 1)
        self.kinematics = Kinematics(urdf, self.robot.joints, self.robot.workspace.frame, self.robot.tool_frame)
        self.position: Vector = np.array(self.robot.start if start is None else start)
        self.velocity: Vector = np.zeros(len(self.names))
        self.previous: Vector = self.velocity.copy()
        self.time = 0.0
        self.sequence = 0
        self.delay = 0
        self._history: list[Vector] = []
        self._margin = config.guard.workspace_margin

    def send(self, velocity: Sequence[float]) -> bool:
        """A command of the agent."""
        self.sequence += 1
        return self.guard.on_command(self.time, self.sequence, self.names, velocity)

    def cycles(self, count: int, states: bool = True, command: Sequence[float] | None = None) -> None:
        """Let so many cycles pass, with joint states `delay` cycles old or without, every fifth with `command`."""
        for i in range(count):
            self._history = [*self._history[-self.delay :], self.position] if self.delay else [self.position]
            if states:
                order = sorted(self.names)
                angles = [float(self._history[0][self.names.index(name)]) for name in order]
                self.guard.on_joint_state(self.time, order, angles)
            if command is not None and i % 5 == 0:
                self.send(command)
            self.previous = self.velocity
            self.velocity = self.guard.tick(self.time).copy()
            self.position = self.position + self.velocity * self.cycle
            self.time += self.cycle

    def armed(self) -> "Bench":
        """Zeros until the guard has armed itself."""
        self.cycles(60, command=[0.0] * len(self.names))
        assert self.guard.state.name == "ARMED", self.guard.missing(self.time)
        return self

    def check(self) -> None:
        """No limit is violated in this cycle."""
        limits = self.robot.limits
        assert np.all(np.isfinite(self.velocity))
        assert np.all(np.abs(self.velocity) <= np.array(limits.velocity) + EPSILON)
        change = np.abs(self.velocity - self.previous)
        faster = np.abs(self.velocity) > np.abs(self.previous)
        assert np.all(change <= np.array(limits.stop_acceleration) * self.cycle + EPSILON)
        assert np.all(change[faster] <= np.array(limits.acceleration)[faster] * self.cycle + EPSILON)
        assert np.all(self.position >= np.array(limits.position_lower)), self.position
        assert np.all(self.position <= np.array(limits.position_upper)), self.position
        tool = self.kinematics.position(self.position)
        assert np.all(tool >= np.array(self.robot.workspace.lower) - self._margin), tool
        assert np.all(tool <= np.array(self.robot.workspace.upper) + self._margin), tool


@pytest.fixture(scope="session")
def config() -> Config:
    return resolve("laptop", {})


@pytest.fixture(scope="session")
def urdf(config: Config) -> str:
    return urdf_text(config.robot)


@pytest.fixture
def kinematics(config: Config, urdf: str) -> Kinematics:
    robot = config.robot
    return Kinematics(urdf, robot.joints, robot.workspace.frame, robot.tool_frame)


@pytest.fixture(scope="session")
def bench(config: Config, urdf: str) -> Callable[..., Bench]:
    """Makes a bench; keywords change the guard's configuration."""

    def make(start: Sequence[float] | None = None, **guard: object) -> Bench:
        changed = config.model_copy(update={"guard": config.guard.model_copy(update=guard)})
        return Bench(changed, urdf, start)

    return make
