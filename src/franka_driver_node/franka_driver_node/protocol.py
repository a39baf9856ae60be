"""The arm at the other end of libfranka's network protocol."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

import numpy as np
import pylibfranka as franka
from numpy.typing import NDArray

from async_rl_core.errors import RobotError

Array = NDArray[np.float64]

PERIOD = 0.001
"""Seconds from one state of the robot to the next."""

_READY = (franka.RobotMode.Idle, franka.RobotMode.Move)


@dataclass(frozen=True, slots=True)
class FrankaState:
    """What the robot said last. Its arrays (7,), by joint, are made when asked for: most are not, a thousand times a
    second.
    """

    raw: franka.RobotState
    elapsed: float
    """Seconds since the state before."""
    problem: str
    """Why the robot does not take motions, in words; empty where it does."""

    @property
    def position(self) -> Array:
        """rad."""
        return np.array(self.raw.q)

    @property
    def velocity(self) -> Array:
        """rad/s."""
        return np.array(self.raw.dq)

    @property
    def torque(self) -> Array:
        """N m."""
        return np.array(self.raw.tau_J)

    @property
    def commanded_velocity(self) -> Array:
        """rad/s: what the robot itself follows, which after lost packets is not what was sent."""
        return np.array(self.raw.dq_d)

    @property
    def commanded_acceleration(self) -> Array:
        """rad/s^2."""
        return np.array(self.raw.ddq_d)


class FrankaArm:
    """A connection to the robot, and at most one motion over it, in which every state is answered by a velocity.

    pylibfranka holds Python's interpreter while it waits for a state: whoever runs beside it in this process must not
    need one. Raises `RobotError` where the robot does not answer, here or later.

    Args:
        address: of the robot's control unit.
        enforce_realtime: refuse to work without real-time scheduling, as the real robot needs it.
    """

    def __init__(self, address: str, enforce_realtime: bool) -> None:
        self._address = address
        wanted = franka.RealtimeConfig.kEnforce if enforce_realtime else franka.RealtimeConfig.kIgnore
        try:
            self._robot = franka.Robot(address, wanted)
            self._time = self._robot.read_once().time.to_sec()
        except (RuntimeError, franka.FrankaException) as error:
            raise RobotError(f"no connection to a Franka at {address}: {_line(error)}") from None
        self._motion: franka.ActiveControlBase | None = None

    @property
    def moves(self) -> bool:
        """Whether a motion goes on: the robot wants a velocity after every state."""
        return self._motion is not None

    def start(self) -> str:
        """Begin a motion, at rest. Returns why there is none, in words; empty where there is."""
        try:
            with self._connected():
                self._motion = self._robot.start_joint_velocity_control(franka.ControllerMode.JointImpedance)
        except _REFUSALS as error:
            return _line(error)
        return ""

    def read(self) -> FrankaState:
        """Wait for the next state; one that tells of a motion's abortion has that as its `problem`."""
        try:
            return self._state(self._receive())
        except _REFUSALS as error:
            self._motion = None
            return replace(self._state(self._receive()), problem=_line(error))

    def write(self, velocity: Array, last: bool = False) -> None:
        """Answer the state with a velocity (7,) in rad/s; `last`, with zero, ends the motion."""
        if self._motion is None:
            return
        command = franka.JointVelocities(velocity.tolist())
        command.motion_finished = last
        with self._connected(), suppress(*_REFUSALS):  # what aborted it, the next state says
            self._motion.writeOnce(command)
        if last:
            self._motion = None

    def recover(self) -> str:
        """Clear the robot's errors, which a person must have asked for. Returns why they stay, in words, or nothing."""
        try:
            with self._connected():
                self._robot.automatic_error_recovery()
        except _REFUSALS as error:
            return _line(error)
        return ""

    def _receive(self) -> franka.RobotState:
        with self._connected():
            return self._robot.read_once() if self._motion is None else self._motion.readOnce()[0]

    @contextmanager
    def _connected(self) -> Iterator[None]:
        try:
            yield
        except franka.NetworkException as error:
            raise RobotError(f"the Franka at {self._address} does not answer any more: {_line(error)}") from None

    def _state(self, state: franka.RobotState) -> FrankaState:
        time = state.time.to_sec()
        elapsed, self._time = time - self._time, time
        problem = ""
        if state.current_errors:
            problem = f"errors {state.current_errors}"
        elif state.robot_mode not in _READY:
            problem = f"robot mode {state.robot_mode.name}"
        return FrankaState(state, elapsed, problem)


_REFUSALS = (franka.ControlException, franka.CommandException, franka.InvalidOperationException)


def _line(error: Exception) -> str:
    return " ".join(str(error).removeprefix("libfranka: ").split())
