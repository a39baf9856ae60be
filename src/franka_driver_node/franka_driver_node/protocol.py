"""A connection to the arm by libfranka's network protocol."""

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
    """The last state of the robot. Its arrays (7,), by joint, are only made on access, because most are not needed.

    Attributes:
        raw: as pylibfranka returns it.
        elapsed: seconds since the previous state.
        problem: reason why the robot does not accept motions; empty where it does.
    """

    raw: franka.RobotState
    elapsed: float
    problem: str

    @property
    def position(self) -> Array:
        """Joint angles in rad."""
        return np.array(self.raw.q)

    @property
    def velocity(self) -> Array:
        """Joint velocities in rad/s."""
        return np.array(self.raw.dq)

    @property
    def torque(self) -> Array:
        """Joint torques in N m."""
        return np.array(self.raw.tau_J)

    @property
    def commanded_velocity(self) -> Array:
        """Velocities in rad/s that the robot follows; after lost packets they differ from those sent."""
        return np.array(self.raw.dq_d)

    @property
    def commanded_acceleration(self) -> Array:
        """Accelerations in rad/s^2 that the robot follows."""
        return np.array(self.raw.ddq_d)


class FrankaArm:
    """A connection to the robot with at most one motion, in which every state is answered with a velocity.

    pylibfranka holds Python's interpreter while it waits for a state, which blocks other threads of this process.
    Raises `RobotError` where the robot does not answer, also later.

    Args:
        address: address of the robot's control unit.
        enforce_realtime: require real-time scheduling, as the real robot needs it.
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
        """Whether a motion is in progress, in which the robot expects a velocity after every state."""
        return self._motion is not None

    def start(self) -> str:
        """Starts a motion, at rest. Returns the reason of a refusal; empty where it started."""
        try:
            with self._connected():
                self._motion = self._robot.start_joint_velocity_control(franka.ControllerMode.JointImpedance)
        except _REFUSALS as error:
            return _line(error)
        return ""

    def read(self) -> FrankaState:
        """Waits for the next state. The abortion of a motion is the `problem` of its state."""
        try:
            return self._state(self._receive())
        except _REFUSALS as error:
            self._motion = None
            return replace(self._state(self._receive()), problem=_line(error))

    def write(self, velocity: Array, last: bool = False) -> None:
        """Answers the state with a velocity (7,) in rad/s; `last`, with zero, ends the motion."""
        if self._motion is None:
            return
        command = franka.JointVelocities(velocity.tolist())
        command.motion_finished = last
        with self._connected(), suppress(*_REFUSALS):  # the next state contains the reason
            self._motion.writeOnce(command)
        if last:
            self._motion = None

    def recover(self) -> str:
        """Clears the robot's errors at a person's request. Returns the reason where they stay; else it is empty."""
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
            raise RobotError(f"the Franka at {self._address} stopped answering: {_line(error)}") from None

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
