"""A guard before a kinematic arm that follows every command exactly, with every limit checked."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from async_rl_core.config.schema import Config
from async_rl_core.safety.guard import Guard
from async_rl_core.safety.kinematics import Kinematics
from testing.contact_oracle import ContactOracle

Vector = NDArray[np.float64]
EPSILON = 1e-9


class GuardBench:
    """The guard at 125 Hz, an arm that integrates what it is sent, and every limit checked at every cycle."""

    def __init__(
        self,
        config: Config,
        urdf: str,
        contacts: ContactOracle | None = None,
        start: Sequence[float] | None = None,
        simulated: bool = False,
    ) -> None:
        self.robot = config.robot
        self.contacts = contacts
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
        """Sends a command of the agent; returns whether the guard accepts it."""
        self.sequence += 1
        return self.guard.on_command(self.time, self.sequence, self.names, velocity)

    def cycles(self, count: int, states: bool = True, command: Sequence[float] | None = None) -> None:
        """Advances `count` cycles, with joint states `delay` cycles old or none, and `command` in every fifth.

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

    def armed(self) -> "GuardBench":
        """Sends zeros until the guard has armed itself."""
        self.cycles(60, command=[0.0] * len(self.names))
        assert self.guard.state.name == "ARMED", self.guard.missing(self.time)
        return self

    def check(self) -> None:
        """Asserts that neither the command nor the arm violates a limit in this cycle."""
        self.check_command()
        self.check_arm()

    def check_command(self) -> None:
        """Asserts velocity, acceleration and jerk of the command."""
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
        """Asserts joint positions, the tool in box and sphere, and the distances of links and table."""
        limits, workspace = self.robot.limits, self.robot.workspace
        assert np.all(self.position >= np.array(limits.position_lower)), self.position
        assert np.all(self.position <= np.array(limits.position_upper)), self.position
        tool = self.kinematics.position(self.position)
        assert np.all(tool >= np.array(workspace.lower) - self._margin), tool
        assert np.all(tool <= np.array(workspace.upper) + self._margin), tool
        distance = np.linalg.norm(tool - np.array(workspace.sphere.center))
        assert distance <= workspace.sphere.radius + self._margin, tool
        assert self.contacts is not None
        assert not self.contacts.any(self.position), self.position
        assert self.contacts.lowest(self.position) > workspace.table_height, self.position


def until_rest(arm: GuardBench, limit: float = 0.2) -> float:
    """Returns seconds until the command is zero; checks every cycle."""
    start = arm.time
    while np.any(arm.velocity) and arm.time - start < limit:
        arm.cycles(1)
        arm.check()
    assert not np.any(arm.velocity)
    return arm.time - start
