"""What every node of the suite shares: its configuration, its signals, its way out."""

import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import rclpy
from rcl_interfaces.msg import ParameterDescriptor
from rclpy.executors import Executor, ExternalShutdownException
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from rclpy.subscription import Subscription

from async_rl_core.bringup.process.link import LOADED, UP, supervisor
from async_rl_core.bringup.process.standard_streams import never_block
from async_rl_core.config.load import read_config
from async_rl_core.errors import AsyncRLError, ConfigError
from async_rl_ros.log_folder import log_arguments
from async_rl_ros.scheduling import end_with_supervisor, undo_niceness

_WAITING = 4
"""Messages and requests that a cycle may find."""


class StopSignal:
    """Set by SIGINT and SIGTERM. rclpy's own handlers would invalidate the context before zeros are sent.

    SIGTSTP, which Ctrl-Z sends to the nodes of `ros2 launch` too, suspends no node: the guard brings the arm to rest
    and the others serve on.
    """

    def __init__(self) -> None:
        self.requested = False
        self.suspended = False
        """Whether SIGTSTP has come; the node that heeds it takes it back."""
        self.starting = True
        """Whether the node is still being made: a signal then ends the process at once."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._request)
        signal.signal(signal.SIGTSTP, self._suspend)

    def _request(self, number: int, frame: FrameType | None) -> None:
        self.requested = True
        if self.starting:
            self.starting = False
            raise SystemExit(0)  # through the constructor, which releases the shared memory that it holds
        undo_niceness()  # others wait for the end of this process

    def _suspend(self, number: int, frame: FrameType | None) -> None:
        self.suspended = True

    def started(self) -> None:
        """The node runs: from now on it ends itself."""
        self.starting = False
        end_with_supervisor()


def make_executor() -> Executor:
    """The events executor, which halves the CPU, where this rclpy has it."""
    try:
        from rclpy.experimental import EventsExecutor
    except ImportError:  # Jazzy
        from rclpy.executors import SingleThreadedExecutor

        return SingleThreadedExecutor()
    executor: Executor = EventsExecutor()
    return executor


class ConfiguredNode(Node):
    """A node that reads the run's resolved configuration, named by its parameter `config`.

    Attributes:
        exit_code: of the process after `run`.

    Raises `ConfigError` where the parameter is missing or the file is not a valid configuration.
    """

    exit_code = 0

    def __init__(self, name: str) -> None:
        super().__init__(name)
        descriptor = ParameterDescriptor(description="path of the run's resolved config.yaml", read_only=True)
        path = self.declare_parameter("config", "", descriptor).get_parameter_value().string_value
        if not path:
            raise ConfigError(f"{name}: parameter 'config' is not set; pass -p config:=<run folder>/config.yaml")
        self.config = read_config(Path(path))
        self.executor_ = make_executor()
        self.executor_.add_node(self)

    def create_subscription(self, msg_type: Any, topic: str, callback: Any, *args: Any, **options: Any) -> Any:
        """Subscribe as a node does, but a message that `callback` cannot take is logged and left out.

        Any process of the domain may publish on a topic: what it sends must not end this node.
        """

        def take(message: Any) -> None:
            try:
                callback(message)
            except Exception as error:
                self.on_bad_message(topic, error)

        take.__wrapped__ = callback  # type: ignore[attr-defined]
        subscription: Subscription[Any] = super().create_subscription(msg_type, topic, take, *args, **options)
        return subscription

    def on_bad_message(self, topic: str, error: Exception) -> None:
        """Log that a message could not be taken, at most once in five seconds."""
        line = f"ignored a message on {topic}: {type(error).__name__}: {' '.join(str(error).split())}"
        self.get_logger().error(line, throttle_duration_sec=5.0)

    def run(self, stop: StopSignal) -> None:
        """Serve callbacks until a stop is requested; real-time nodes put their own loop here."""
        while not stop.requested:
            self.executor_.spin_once(timeout_sec=0.1)

    def take_waiting(self, most: int = _WAITING) -> None:
        """Serve what has arrived already, in order and up to so many; wait for nothing."""
        for _ in range(most):  # `spin_until_future_complete` takes all in one call, and leaks 32 bytes in each
            self.executor_.spin_once(timeout_sec=0.0)

    def close(self) -> None:
        """Release what the node holds outside of ROS; called on every way out."""


def main(create: Callable[[], ConfiguredNode], schedule: Callable[[], str] | None = None) -> None:
    """Run one node as a process. Exits with the node's code, 0 after a requested stop; 2 after an error, in one line.

    `schedule`, one of async_rl_ros.scheduling, is called before the middleware starts its threads, which inherit it.
    With --help it only says how it is started: set-up tries so whether all that a node imports is there.
    """
    if sys.argv[1:] == ["--help"]:
        print(f"{Path(sys.argv[0]).name}: a node of async_rl, started by async_rl launch; see async_rl --help")
        return
    stop = StopSignal()
    end_with_supervisor(signal.SIGKILL)  # nothing moves or is stored yet, and a library that loads heeds no signal
    never_block()
    supervisor().report(LOADED)
    scheduled = schedule() if schedule else ""
    rclpy.init(args=[*sys.argv, *log_arguments(os.environ)], signal_handler_options=SignalHandlerOptions.NO)
    node: ConfiguredNode | None = None
    code, made = 0, False
    try:
        node = create()
        stop.started()
        made = True
        supervisor().report(UP)
        if scheduled:
            node.get_logger().info(scheduled)
        node.run(stop)
        code = node.exit_code
    except ExternalShutdownException:
        pass
    except SystemExit:  # stopped while it was being made
        code = 0
    except AsyncRLError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        code = 2
    finally:
        if node is not None:
            node.close()
            node.destroy_node()
        rclpy.try_shutdown()
    if any(thread.daemon or not made for thread in threading.enumerate() if thread is not threading.main_thread()):
        # A thread that still draws, renders or loads would crash the process in the interpreter's end. Not done
        # otherwise: that end also destroys the middleware's participant, whose death in the midst can halt the others,
        # and releases what is left of the shared memory.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)
