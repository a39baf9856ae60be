"""Commands to the arm and joint states of the arm, with the steady time of each receipt."""

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import TracebackType

import numpy as np
import rclpy
from numpy.typing import NDArray
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import JointState
from std_msgs.msg import Float64MultiArray
from std_srvs.srv import Trigger

from async_rl_core.config.schema import Config
from async_rl_interfaces.msg import GuardState
from async_rl_ros import scheduling
from async_rl_ros.qos import LATCHED

REST = 0.01
"""rad/s below which a joint rests."""
START = 60.0
"""Seconds within which all processes of a run have started, on a busy machine too."""
STEADY = 0.1
"""Minimum duration of a rest in seconds."""
ALL = QoSProfile(depth=50, reliability=ReliabilityPolicy.BEST_EFFORT)
KEPT = 5000
PRIORITY = 50


class PromiseTimeoutError(TimeoutError):
    """A promised event did not happen. Preconditions of a measurement raise `TimeoutError` instead."""


@dataclass(frozen=True)
class Received:
    """One message: the steady time of its receipt, and its values (n,)."""

    time: float
    values: NDArray[np.float64]


class ArmListener:
    """Subscribes to the command topic and the joint states of a run, in real time, and calls the guard."""

    realtime = True

    def __init__(self, config: Config, domain: int) -> None:
        self._config = config
        self._domain = domain
        self._changed = threading.Condition()
        self.commands: deque[Received] = deque(maxlen=KEPT)
        self.velocities: deque[Received] = deque(maxlen=KEPT)
        self.guard: GuardState | None = None

    def __enter__(self) -> "ArmListener":
        self._context = rclpy.Context()
        with self._scheduled():
            self._listen()
        return self

    @contextmanager
    def _scheduled(self) -> Iterator[None]:
        """Starts threads within, the middleware's too, with real-time scheduling if `realtime` is set."""
        if not self.realtime:
            yield
            return
        scheduling.realtime(PRIORITY)
        try:
            yield
        finally:
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))

    def _listen(self) -> None:
        rclpy.init(context=self._context, domain_id=self._domain)
        self.node = Node("faults", context=self._context)
        robot = self._config.robot
        self.node.create_subscription(Float64MultiArray, robot.command_topic, self._on_command, ALL)
        self.node.create_subscription(JointState, robot.state_topic, self._on_state, ALL)
        self.node.create_subscription(GuardState, "safety_guard_node/state", self._on_guard, LATCHED)
        self._reset = self.node.create_client(Trigger, "safety_guard_node/reset_fault")
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)
        self._thread = threading.Thread(target=self._executor.spin, daemon=True)
        self._thread.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._executor.shutdown()
        self._thread.join()
        self.node.destroy_node()
        self._context.shutdown()

    def _on_command(self, message: Float64MultiArray) -> None:
        self._keep(self.commands, np.array(message.data))

    def _on_state(self, message: JointState) -> None:
        self._keep(self.velocities, np.array(message.velocity))

    def _keep(self, kept: deque[Received], values: NDArray[np.float64]) -> None:
        heard = Received(time.monotonic(), values)
        with self._changed:
            kept.append(heard)
            self._changed.notify_all()

    def _on_guard(self, message: GuardState) -> None:
        with self._changed:
            self.guard = message
            self._changed.notify_all()

    def wait(self, condition: Callable[[], bool], timeout: float, what: str) -> None:
        """Waits until `condition` holds. Raises `TimeoutError` naming `what`."""
        with self._changed:
            if not self._changed.wait_for(condition, timeout):
                raise TimeoutError(f"{what}: not within {timeout:g} s")

    def expect(self, condition: Callable[[], bool], timeout: float, what: str) -> None:
        """Waits for a promised event. Raises `PromiseTimeoutError` naming `what`."""
        try:
            self.wait(condition, timeout, what)
        except TimeoutError as error:
            raise PromiseTimeoutError(str(error)) from None

    def await_state(self, state: int, timeout: float = START) -> None:
        """Waits for a state of the guard."""
        self.wait(lambda: self.guard is not None and self.guard.state == state, timeout, f"guard in state {state}")

    def await_motion(self, timeout: float = 20.0) -> None:
        """Waits until the arm moves on command."""
        self.wait(self.is_moving, timeout, "an arm in motion")

    def moves_or_stopped(self, timeout: float = 20.0) -> bool:
        """Waits for motion of the arm; returns False if the guard stopped it first, as after a halt."""

        def stopped() -> bool:
            return self.guard is not None and self.guard.state == GuardState.FAULT

        self.wait(lambda: stopped() or self.is_moving(), timeout, "an arm in motion")
        return not stopped()

    def is_moving(self) -> bool:
        """Returns whether the newest command and the newest joint state show motion."""
        return (
            bool(self.commands and self.velocities)
            and bool(np.abs(self.commands[-1].values).max() > REST)
            and bool(np.abs(self.velocities[-1].values).max() > REST)
        )

    def speed(self) -> float:
        """Returns the commanded speed of the fastest joint, in rad/s."""
        with self._changed:
            return float(np.abs(self.commands[-1].values).max())

    def first_zero(self, since: float, timeout: float = 3.0) -> float:
        """Returns the time of the first command after `since` from which on all are zero."""
        self.expect(lambda: self._zeros_since(since) is not None, timeout, "zero on the wire")
        found = self._zeros_since(since)
        assert found is not None
        return found

    def first_rest(self, since: float, timeout: float = 3.0) -> float:
        """Returns the time after `since` from which on the arm rests."""
        self.expect(lambda: _start_of(self.received_velocities(), since, REST) is not None, timeout, "the arm at rest")
        found = _start_of(self.received_velocities(), since, REST)
        assert found is not None
        return found

    def received_commands(self) -> list[Received]:
        """Returns the commands so far, oldest first."""
        with self._changed:
            return list(self.commands)

    def received_velocities(self) -> list[Received]:
        """Returns the arm's velocities so far, oldest first."""
        with self._changed:
            return list(self.velocities)

    def moved(self, since: float) -> bool:
        """Returns whether a command other than zero arrived after `since`."""
        return any(heard.values.any() for heard in self.received_commands() if heard.time > since)

    def reset_fault(self, timeout: float = 10.0) -> None:
        """Clears the guard's fault, as a person would."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            with suppress(TimeoutError):
                answer = self._reset.call(Trigger.Request(), timeout_sec=1.0)
                if answer is not None and answer.success:
                    return
        raise TimeoutError(f"the guard's fault was not cleared within {timeout:g} s")

    def _zeros_since(self, since: float) -> float | None:
        return _start_of(self.received_commands(), since, 0.0)


def _start_of(kept: Sequence[Received], since: float, limit: float) -> float | None:
    """Returns the start after `since` of the newest values within `limit` that last `STEADY`, or None."""
    start = None
    for heard in reversed(kept):
        if heard.time <= since or np.abs(heard.values).max() > limit:
            break
        start = heard.time
    return start if start is not None and kept[-1].time - start >= STEADY else None
