"""A guard with a kinematic arm before it that follows every command exactly."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from async_rl_core.config.load import resolve
from async_rl_core.config.robot import Sphere
from async_rl_core.config.schema import Config, RobotConfig
from async_rl_core.safety.guard import Guard
from async_rl_core.safety.kinematics import Kinematics
from async_rl_core.safety.limits.collision import CollisionLimit
from async_rl_core.sim.model import urdf_text

from .oracle import Touch

Vector = NDArray[np.float64]
EPSILON = 1e-9
TOUCH = 0.012
"""Metres that links must keep from one another: the guard's margin, less what its estimate may be wrong by."""


class Bench:
    """The guard at 125 Hz, an arm that integrates what it is sent, and every limit checked at every cycle."""

    def __init__(
        self, config: Config, urdf: str, touch: Touch, start: Sequence[float] | None = None, simulated: bool = False
    ) -> None:
        self.robot = config.robot
        self.touch = touch
        self.names = list(self.robot.joints)
        self.cycle = 1.0 / self.robot.state_rate
        self.guard = Guard(self.robot, config.guard, config.agent.action_cycle_time, simulated=simulated)
        self.guard.on_description(urdf)
        self.guard.on_publishers(0.0, 1)
        self.kinematics = Kinematics(urdf, self.robot.joints, self.robot.workspace.frame, self.robot.tool_frame)
        self.position: Vector = np.array(self.robot.start if start is None else start)
        self.velocity: Vector = np.zeros(len(self.names))
        self.previous: Vector = self.velocity.copy()
        self.change: Vector = self.velocity.copy()
        self.time = 0.0
        self.sequence = 0
        self.delay = 0
        self.noise = 0.0
        self._rng = np.random.default_rng(1)
        self._history: list[Vector] = []
        self._margin = config.guard.workspace_margin

    def send(self, velocity: Sequence[float]) -> bool:
        """A command of the agent."""
        self.sequence += 1
        return self.guard.on_command(self.time, self.sequence, self.names, velocity)

    def cycles(self, count: int, states: bool = True, command: Sequence[float] | None = None) -> None:
        """Let so many cycles pass, with joint states `delay` cycles old or without, every fifth with `command`.

        The joint states are wrong by up to `noise` rad.
        """
        for i in range(count):
            self._history = [*self._history[-self.delay :], self.position] if self.delay else [self.position]
            if states:
                order = sorted(self.names)
                seen = self._history[0] + self._rng.uniform(-self.noise, self.noise, len(order))
                angles = [float(seen[self.names.index(name)]) for name in order]
                self.guard.on_joint_state(self.time, round(1e9 * self.time), order, angles)
            if command is not None and i % 5 == 0:
                self.send(command)
            self.change = self.velocity - self.previous
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
        """No limit is violated in this cycle, neither by what is sent nor by the arm."""
        self.check_command()
        self.check_arm()

    def check_command(self) -> None:
        """Velocity, acceleration and jerk of what is sent."""
        limits = self.robot.limits
        assert np.all(np.isfinite(self.velocity))
        assert np.all(np.abs(self.velocity) <= np.array(limits.velocity) + EPSILON)
        change, bend = self.velocity - self.previous, np.array(limits.jerk) * self.cycle**2
        assert np.all(np.abs(change) <= np.array(limits.stop_acceleration) * self.cycle + EPSILON)
        assert np.all(np.abs(change - self.change) <= bend + EPSILON)
        faster = np.abs(self.velocity) > np.abs(self.previous)
        usual = np.array(limits.acceleration) * self.cycle
        inevitable = np.abs(self.change) - bend  # a stop that becomes a start, as far as jerk forces it to
        assert np.all(np.abs(change)[faster] <= np.maximum(usual, inevitable)[faster] + EPSILON)

    def check_arm(self) -> None:
        """Joint positions, the tool in box and sphere, the links clear of one another and of the table."""
        limits, workspace = self.robot.limits, self.robot.workspace
        assert np.all(self.position >= np.array(limits.position_lower)), self.position
        assert np.all(self.position <= np.array(limits.position_upper)), self.position
        tool = self.kinematics.position(self.position)
        assert np.all(tool >= np.array(workspace.lower) - self._margin), tool
        assert np.all(tool <= np.array(workspace.upper) + self._margin), tool
        distance = np.linalg.norm(tool - np.array(workspace.sphere.center))
        assert distance <= workspace.sphere.radius + self._margin, tool
        assert not self.touch.any(self.position), self.position
        assert self.touch.lowest(self.position) > workspace.table_height, self.position


def until_rest(arm: Bench, limit: float = 0.2) -> float:
    """Seconds until the command is zero; every cycle on the way is checked."""
    start = arm.time
    while np.any(arm.velocity) and arm.time - start < limit:
        arm.cycles(1)
        arm.check()
    assert not np.any(arm.velocity)
    return arm.time - start


@pytest.fixture(scope="session", autouse=True)
def meshes_are_read_once() -> Iterator[None]:
    """For each description and robot; hundreds of guards are made here."""
    read, kept = CollisionLimit._read, {}

    def reading(self: CollisionLimit, urdf: str, robot: RobotConfig) -> tuple[object, Any]:
        key = urdf, robot.joints, robot.bodies, robot.workspace
        if key not in kept:
            kept[key] = read(self, urdf, robot)
        model, geometry = kept[key]
        return model, geometry.copy()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CollisionLimit, "_read", reading)
        yield


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
def touch(config: Config) -> Touch:
    return Touch(config.robot, TOUCH)


@pytest.fixture(scope="session")
def bench(config: Config, urdf: str, touch: Touch) -> Callable[..., Bench]:
    """Makes a bench; keywords but the first three change the guard's configuration."""

    def make(
        start: Sequence[float] | None = None,
        robot: RobotConfig = config.robot,
        simulated: bool = False,
        **guard: object,
    ) -> Bench:
        changed = config.model_copy(update={"robot": robot, "guard": config.guard.model_copy(update=guard)})
        return Bench(changed, urdf, touch, start, simulated)

    return make


@pytest.fixture(scope="session")
def wide(config: Config) -> RobotConfig:
    """A robot whose joints turn so far, in so great a workspace, that its links can touch one another."""
    robot = config.robot
    far = {"lower": (-1.5, -1.5, -1.5), "upper": (1.5, 1.5, 1.5), "sphere": Sphere(center=(0.0, 0.0, 0.0), radius=2.0)}
    most = (6.2, 6.2, 3.1, 6.2, 6.2, 6.2)  # rad: the description's limits, nearly
    turns = {"position_lower": tuple(-q for q in most), "position_upper": most}
    update = {"limits": robot.limits.model_copy(update=turns), "workspace": robot.workspace.model_copy(update=far)}
    return robot.model_copy(update=update)
