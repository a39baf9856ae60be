"""A guard that is halted in motion while its simulated arm runs on."""

import numpy as np
from numpy.typing import NDArray

from async_rl_core.config.robot import Sphere
from async_rl_core.config.schema import Config
from async_rl_core.realtime.schedule import Schedule
from async_rl_core.safety.arm_model import ArmModel
from async_rl_core.safety.guard import Guard
from async_rl_core.safety.halt_log import NOTICED
from async_rl_core.safety.states import GuardMode
from async_rl_core.sim.arm import SimulatedArm
from async_rl_core.sim.model import urdf_text
from async_rl_core.sim.scene import Scene

Vector = NDArray[np.float64]

CYCLE = 0.008
SPEED = 0.4
STEP = 0.0005
"""Seconds between two looks at the schedule."""


def unbounded(config: Config) -> Config:
    """Returns the same configuration with position limits far away."""
    robot = config.robot
    far = {"lower": (-3.0,) * 3, "upper": (3.0,) * 3, "sphere": Sphere(center=(0.0, 0.0, 0.0), radius=5.0)}
    described = ArmModel(urdf_text(robot), robot.joints).limits()
    turns = {
        "position_lower": tuple(max(q - 2.0, low) for q, (low, _, _) in zip(robot.start, described, strict=True)),
        "position_upper": tuple(min(q + 2.0, high) for q, (_, high, _) in zip(robot.start, described, strict=True)),
    }
    update = {"limits": robot.limits.model_copy(update=turns), "workspace": robot.workspace.model_copy(update=far)}
    return config.model_copy(update={"robot": robot.model_copy(update=update)})


class HaltedGuard:
    """Guard and arm run in `cycle`, the arm alone in `halt`. No position limit is near.

    Args:
        config: of the run.
        holds: without commands, the arm keeps the last velocity, as with another driver.
        says: joint states have velocities.
        simulated: the guard may clear faults of timing.
    """

    def __init__(self, config: Config, holds: bool = False, says: bool = True, simulated: bool = False) -> None:
        config = unbounded(config)
        self.robot = config.robot
        self.arm = SimulatedArm(Scene(config))
        if holds:
            self.arm.controller.timeout = np.inf
        cycle_time = config.agent.action_cycle_time
        self.guard = Guard(self.robot, config.guard, cycle_time, simulated=simulated, holds=holds)
        self.guard.on_description(urdf_text(self.robot))
        self.guard.on_publishers(0.0, 1)
        self.time = 0.0
        self.hears = True
        self._says = says
        self._sequence = 0
        count = len(self.robot.joints)
        self._wanted = [0.0] * count
        self._states = [(0.0, self.arm.position, self.arm.velocity)] * 2
        self.cycle(60)
        assert self.guard.state is GuardMode.ARMED, self.guard.missing(self.time)
        self._wanted = [SPEED * (-1) ** i for i in range(count)]
        self.turn()

    def turn(self) -> None:
        """Sets the arm in motion, at `SPEED` in the other direction."""
        self._wanted = [-velocity for velocity in self._wanted]
        self.cycle(35)

    def cycle(self, cycles: int) -> float:
        """Runs cycles. Returns the largest speed-up of a joint from one joint state to the next, in rad/s."""
        fastest = 0.0
        for _ in range(cycles):
            before = np.abs(self.arm.velocity)
            self.arm.command(self._judged())
            self.arm.controller.resumed()  # as a driver does that takes every command on arrival
            self._pass(CYCLE)
            fastest = max(fastest, float((np.abs(self.arm.velocity) - before).max()))
        return fastest

    def halt(self, seconds: float) -> None:
        """Halts the guard for `seconds` after the last cycle; the arm and its joint states continue."""
        left = seconds - CYCLE
        while left > 1e-9:
            self._pass(min(CYCLE, left))
            left -= CYCLE

    def be_deaf(self, seconds: float) -> None:
        """Halts the robot's side for `seconds`: the arm stops, joint states cease, commands are lost."""
        for _ in range(round(seconds / CYCLE)):
            self.hears = False
            self._judged()
            self._pass(CYCLE)
        self.hears = True

    def intrude(self, speed: float, seconds: float) -> None:
        """Moves the last joint, which the agent leaves at rest, by another program: it commands after the guard."""
        self._wanted[-1] = 0.0
        self.cycle(60)
        self._override(np.array([*self._wanted[:-1], speed]), seconds)

    def speed_up(self, factor: float, seconds: float) -> None:
        """Moves the last joint in its direction, but faster, by another program: it commands after the guard."""
        self._override(np.array([*self._wanted[:-1], factor * self._wanted[-1]]), seconds)

    def _override(self, velocity: Vector, seconds: float) -> None:
        for _ in range(round(seconds / CYCLE)):
            self._judged()
            self.arm.command(velocity)
            self._pass(CYCLE)

    def _judged(self) -> Vector:
        self._sequence += 1
        if self.hears:
            stamp, position, velocity = self._states[-2]  # a cycle old
            said = velocity.tolist() if self._says else []
            stamp_ns = round(1e9 * stamp) + 1
            self.guard.on_joint_state(self.time, stamp_ns, self.robot.joints, position.tolist(), said)
        self.guard.on_command(self.time, self._sequence, self.robot.joints, self._wanted)
        return self.guard.tick(self.time).copy()

    def _pass(self, seconds: float) -> None:
        self.arm.step(seconds)
        self.time += seconds
        self._states.append((self.time, self.arm.position, self.arm.velocity))


class ScheduledGuard(HaltedGuard):
    """The guard's cycles follow the schedule of its node, half a cycle after the arm's joint states."""

    def run(self, seconds: float, halt: float) -> float:
        """Runs for `seconds`; a tenth of a second after the start, the guard is halted for `halt` seconds.

        Returns the largest speed-up of a joint from one joint state to the next, in rad/s.
        """
        schedule = Schedule(CYCLE, CYCLE, 0.0, self.time + CYCLE / 2, restart_after=NOTICED)
        start, published, fastest, before = self.time, 0, 0.0, np.abs(self.arm.velocity)
        while self.time < start + seconds:
            halted = 0.1 <= self.time - start < 0.1 + halt - 1e-9
            if self.time >= schedule.due - 1e-9 and not halted:
                self.arm.command(self._judged())
                self.arm.controller.resumed()
                schedule.advance(self.time)
            self.arm.step(STEP)
            self.time += STEP
            if self.time - start >= published * CYCLE - 1e-9:
                published += 1
                self._states += [(self.time, self.arm.position, self.arm.velocity)] * 2  # without delay
                speed = np.abs(self.arm.velocity)
                fastest, before = max(fastest, float((speed - before).max())), speed
        return fastest
