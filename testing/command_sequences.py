"""Long sequences of commands through the guard to an arm, and the limits that they violate."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from async_rl_core.config.schema import Config
from async_rl_core.safety.guard import Guard
from async_rl_core.safety.kinematics import Kinematics
from async_rl_core.safety.states import GuardMode
from async_rl_core.sim.arm import SimulatedArm
from async_rl_core.sim.model import urdf_text
from async_rl_core.sim.scene import Scene
from testing.contact_oracle import ContactOracle

Vector = NDArray[np.float64]

SEGMENT = 400
"""Commands from one start pose."""
EXTREME = 4.9
"""Multiple of the velocity limit, just below the guard's threshold for a fault."""
EPSILON = 1e-9
TOUCH = 0.012
"""Minimum distance of links in metres: the guard's margin minus the error of its estimate."""
TOUCH_PERIOD = 5
"""Cycles between two contact checks."""


class ExactArm:
    """Follows every velocity at once and exactly."""

    def __init__(self, cycle: float) -> None:
        self._cycle = cycle
        self.position: Vector = np.zeros(0)
        self.velocity: Vector = np.zeros(0)

    def reset(self, position: Vector) -> None:
        """Places the arm at rest at `position`."""
        self.position, self.velocity = position, np.zeros_like(position)

    def follow(self, velocity: Vector) -> None:
        """Advances by one cycle."""
        self.velocity = velocity
        self.position = self.position + velocity * self._cycle


class PhysicalArm:
    """The simulated arm, with the driver's controller and MuJoCo's physics."""

    def __init__(self, config: Config) -> None:
        self._arm = SimulatedArm(Scene(config))
        self._cycle = 1.0 / config.robot.state_rate

    @property
    def position(self) -> Vector:
        return self._arm.position

    @property
    def velocity(self) -> Vector:
        return self._arm.velocity

    def reset(self, position: Vector) -> None:
        """Places the arm at rest at `position`."""
        self._arm.reset(position)

    def follow(self, velocity: Vector) -> None:
        """Advances by one cycle."""
        self._arm.command(velocity)
        self._arm.step(self._cycle)


@dataclass
class Report:
    """Violations by limit, and commands changed by the guard, by limit."""

    commands: int = 0
    cycles: int = 0
    violations: Counter[str] = field(default_factory=Counter)
    limited: Counter[str] = field(default_factory=Counter)


class CommandSequences:
    """Sends commands beyond all limits, and late or missing joint states, to the guard of one robot.

    Args:
        arm: what follows the guard.
        tolerance: rad/s by which the arm's own velocity may exceed what was sent.
        delays: cycles by which joint states may be late; one of them for each segment.
        noise: rad by which the joint states are wrong, at most.
    """

    def __init__(
        self,
        config: Config,
        arm: ExactArm | PhysicalArm,
        seed: int,
        tolerance: float = 0.0,
        delays: Sequence[int] = (0, 1),
        noise: float = 0.0,
    ) -> None:
        self._config = config
        self._robot = config.robot
        self._cycle = 1.0 / self._robot.state_rate
        self._arm = arm
        self._tolerance = tolerance
        self._delays = delays
        self._noise = noise
        self._rng = np.random.default_rng(seed)
        self._urdf = urdf_text(self._robot)
        frames = self._robot.workspace.frame, self._robot.tool_frame
        self._kinematics = Kinematics(self._urdf, self._robot.joints, *frames)
        self._touch = ContactOracle(self._robot, TOUCH)
        self._sent: list[Vector] = []
        self._positions: list[Vector] = []
        self._velocities: list[Vector] = []

    def run(self, commands: int) -> Report:
        """Runs `commands` commands in segments from random poses."""
        report = Report()
        while report.commands < commands:
            self._segment(min(SEGMENT, commands - report.commands), report)
        return report

    def drive(self, command: Sequence[float], commands: int) -> Counter[str]:
        """Returns the arm's violations after so many times `command` from the start pose."""
        guard = self._armed_guard(np.array(self._robot.start))
        for sequence in range(100, 100 + commands):
            guard.on_command(self._time, sequence, self._robot.joints, command)
            for _ in range(5):
                self._cycle_of(guard, self._delays[0], heard=True)
        return self._arm_violations(np.array(self._positions))

    def _segment(self, commands: int, report: Report) -> None:
        guard = self._armed_guard(self._start())
        delay, late = int(self._rng.choice(self._delays)), self._rng.random() < 0.3
        stream = self._commands()
        for sequence in range(100, 100 + commands):
            command, cycles = next(stream)
            guard.on_command(self._time, sequence, self._robot.joints, command.tolist())
            for _ in range(cycles):
                self._cycle_of(guard, delay, heard=not (late and self._rng.random() < 0.3))
        if guard.state is not GuardMode.ARMED:
            report.violations[f"fault: {guard.fault and guard.fault.cause}"] += 1
        report.commands += commands
        report.cycles += len(self._sent)
        report.limited += guard.output.limited
        report.violations += self._violations()

    def _armed_guard(self, start: Vector) -> Guard:
        guard = Guard(self._robot, self._config.guard, self._config.agent.action_cycle_time)
        guard.on_description(self._urdf)
        guard.on_publishers(0.0, 1)
        self._arm.reset(start)
        self._time = 0.0
        self._sent, self._positions, self._velocities = [], [start], []
        for sequence in range(60):
            guard.on_command(self._time, sequence, self._robot.joints, [0.0] * len(start))
            self._cycle_of(guard, 0, heard=True)
        assert guard.state is GuardMode.ARMED, guard.missing(self._time)
        return guard

    def _cycle_of(self, guard: Guard, delay: int, heard: bool) -> None:
        if heard:
            seen = self._positions[max(len(self._positions) - 1 - delay, 0)]
            seen = seen + self._rng.uniform(-self._noise, self._noise, len(seen)) if self._noise else seen
            guard.on_joint_state(self._time, round(1e9 * self._time), self._robot.joints, seen.tolist())
        velocity = guard.tick(self._time).copy()
        self._arm.follow(velocity)
        self._sent.append(velocity)
        self._positions.append(self._arm.position)
        self._velocities.append(self._arm.velocity)
        self._time += self._cycle

    def _start(self) -> Vector:
        """Returns a random pose inside all limits."""
        limits, margin = self._robot.limits, 2.0 * self._config.guard.position_margin
        while True:
            q = self._rng.uniform(np.array(limits.position_lower) + margin, np.array(limits.position_upper) - margin)
            if not self._outside(q[None]).any() and not self._touching(q):
                return q

    def _commands(self) -> Iterator[tuple[Vector, int]]:
        """Yields commands and the number of cycles of each."""
        rng, limit = self._rng, np.array(self._robot.limits.velocity)
        while True:
            kind, length = rng.integers(6), int(rng.integers(1, 60))
            if kind == 0:  # noise
                commands = iter(rng.uniform(-EXTREME, EXTREME, (length, len(limit))) * limit)
            elif kind == 1:  # bang-bang
                commands = iter(rng.choice([-EXTREME, -1.0, 0.0, 1.0, EXTREME], (length, len(limit))) * limit)
            elif kind == 2:  # one direction, held
                commands = repeat(rng.uniform(-1.0, 1.0, len(limit)) * limit, length)
            elif kind == 3:  # straight at a surface
                commands = repeat(self._tool_motion(), length)
            elif kind == 4:  # nearly nothing
                commands = repeat(rng.choice([0.0, 5e-324, 1e-12, -1e-6], len(limit)), length)
            else:  # a policy's
                commands = iter(np.clip(rng.normal(0.0, 0.5, (length, len(limit))), -0.7, 0.7))
            steady = rng.random() < 0.5
            for command in commands:
                yield command, 5 if steady and kind in (2, 3, 5) else int(rng.integers(1, 3))

    def _tool_motion(self) -> Vector:
        direction = self._rng.normal(size=3)
        speed = self._rng.uniform(0.05, 1.0) * direction / np.linalg.norm(direction)
        inverse = np.linalg.pinv(self._kinematics.jacobian(self._arm.position), rcond=0.05)
        return np.asarray(np.clip(inverse @ speed, -1.0, 1.0), np.float64)

    def _violations(self) -> Counter[str]:
        found: Counter[str] = Counter()
        found += self._command_violations(np.array(self._sent))
        found += self._arm_violations(np.array(self._positions))
        fast = np.abs(self._velocities) > np.array(self._robot.limits.velocity) + self._tolerance + EPSILON
        found["the arm's velocity"] = int(fast.sum())
        return found

    def _command_violations(self, sent: Vector) -> Counter[str]:
        """Counts violations of velocity, acceleration and jerk in the sent commands, which begin at rest."""
        limits = self._robot.limits
        padded = np.concatenate([np.zeros((2, sent.shape[1])), sent])
        change = np.diff(padded, axis=0)
        bend = np.diff(change, axis=0)
        change, before = change[1:], change[:-1]
        most = np.array(limits.jerk) * self._cycle**2
        faster = np.abs(sent) > np.abs(padded[1:-1])
        # A stop that becomes a start may be fast for as long as jerk forces it to be.
        usual = np.maximum(np.array(limits.acceleration) * self._cycle, np.abs(before) - most)
        return Counter(
            {
                "finite": int((~np.isfinite(sent)).sum()),
                "velocity": int((np.abs(sent) > np.array(limits.velocity) + EPSILON).sum()),
                "stop": int((np.abs(change) > np.array(limits.stop_acceleration) * self._cycle + EPSILON).sum()),
                "acceleration": int((faster & (np.abs(change) > usual + EPSILON)).sum()),
                "jerk": int((np.abs(bend) > most + EPSILON).sum()),
            }
        )

    def _arm_violations(self, positions: Vector) -> Counter[str]:
        limits = self._robot.limits
        beyond = (positions < np.array(limits.position_lower)) | (positions > np.array(limits.position_upper))
        touching = [self._touching(q) for q in positions[::TOUCH_PERIOD]]
        return Counter(
            {
                "joint position": int(beyond.sum()),
                "tool position": int(self._outside(positions).sum()),
                "touch": sum(touching),
            }
        )

    def _outside(self, positions: Vector) -> NDArray[np.bool_]:
        workspace, margin = self._robot.workspace, self._config.guard.workspace_margin
        tools = np.array([self._kinematics.position(q) for q in positions])
        low, high = np.array(workspace.lower) - margin, np.array(workspace.upper) + margin
        distance = np.linalg.norm(tools - np.array(workspace.sphere.center), axis=1)
        outside = ((tools < low) | (tools > high)).any(axis=1)
        return np.asarray(outside | (distance > workspace.sphere.radius + margin), np.bool_)

    def _touching(self, q: Vector | Sequence[float]) -> bool:
        q = np.asarray(q)
        return self._touch.any(q) or self._touch.lowest(q) <= self._robot.workspace.table_height
