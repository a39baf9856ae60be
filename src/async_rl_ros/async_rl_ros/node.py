"""The base of every node: configuration, signals, main loop and exit."""

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
from async_rl_ros.parameters import declare_config
from async_rl_ros.scheduling import end_with_supervisor, undo_niceness

_WAITING = 4
"""Messages and requests that a cycle serves at most."""


class StopSignal:
    """Handles SIGINT and SIGTERM; rclpy's own handlers would invalidate the context before zeros are sent.

    SIGTSTP, which Ctrl-Z sends to the nodes of `ros2 launch` too, suspends no node: the guard brings the arm to rest,
    and the others continue.

    Attributes:
        requested: whether a stop was requested.
        suspended: whether SIGTSTP came; the node that handles it resets this.
        starting: whether the node is being constructed; a signal then ends the process at once.
    """

    def __init__(self) -> None:
        self.requested = False
        self.suspended = False
        self.starting = True
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._request)
        signal.signal(signal.SIGTSTP, self._suspend)

    def _request(self, number: int, frame: FrameType | None) -> None:
        self.requested = True
        if self.starting:
            self.starting = False
            raise SystemExit(0)  # through the constructor, which releases its shared memory
        undo_niceness()  # other processes wait for the end of this one

    def _suspend(self, number: int, frame: FrameType | None) -> None:
        self.suspended = True

    def started(self) -> None:
        """Marks the end of construction: from now on the node ends itself after a signal."""
        self.starting = False
        end_with_supervisor()


def make_executor() -> Executor:
    """Returns the events executor, which halves the CPU load, where this rclpy has it."""
    try:
        from rclpy.experimental import EventsExecutor
    except ImportError:  # Jazzy
        from rclpy.executors import SingleThreadedExecutor

        return SingleThreadedExecutor()
    executor: Executor = EventsExecutor()
    return executor


class ConfiguredNode(Node):
    """A node with the run's resolved configuration, whose path is its parameter `config`.

    Each setting is a read-only parameter too (`ros2 param list`); the node itself reads `config`.

    Attributes:
        exit_code: of the process, after `run`.
        config: the resolved configuration.
        executor_: serves the node's callbacks.

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
        declare_config(self, self.config)
        self.executor_ = make_executor()
        self.executor_.add_node(self)

    def create_subscription(self, msg_type: Any, topic: str, callback: Any, *args: Any, **options: Any) -> Any:
        """Subscribes as `Node` does, but logs and ignores a message on which `callback` raises an exception.

        Any process of the domain may publish on a topic, and its messages must not end this node.
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
        """Logs that a message was ignored, at most once in five seconds."""
        line = f"ignored a message on {topic}: {type(error).__name__}: {' '.join(str(error).split())}"
        self.get_logger().error(line, throttle_duration_sec=5.0)

    def run(self, stop: StopSignal) -> None:
        """Serves callbacks until a stop is requested; real-time nodes override it with their own loop."""
        while not stop.requested:
            self.executor_.spin_once(timeout_sec=0.1)

    def take_waiting(self, most: int = _WAITING) -> None:
        """Serves up to `most` callbacks that are due already, in order, without waiting."""
        for _ in range(most):  # `spin_until_future_complete` serves all in one call, but leaks 32 bytes per call
            self.executor_.spin_once(timeout_sec=0.0)

    def close(self) -> None:
        """Releases what the node holds outside of ROS; called before every exit."""


def main(create: Callable[[], ConfiguredNode], schedule: Callable[[], str] | None = None) -> None:
    """Runs one node as a process. Exits with the node's code (0 after a requested stop), or 2 with a one-line error.

    `schedule`, a function of async_rl_ros.scheduling, is called before the middleware starts its threads, which inherit
    the scheduling. With --help it only prints how the node is started; set-up uses this to test all imports.
    """
    if sys.argv[1:] == ["--help"]:
        print(f"{Path(sys.argv[0]).name}: a node of async_rl, started by async_rl launch; see async_rl --help")
        return
    stop = StopSignal()
    end_with_supervisor(signal.SIGKILL)  # nothing moves or is stored yet, and a loading library handles no signal
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
    except SystemExit:  # stopped during construction
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
        # A thread that still draws, renders or loads would crash the process while the interpreter ends. Without such
        # a thread the interpreter ends in order: it destroys the middleware's participant, whose sudden death can halt
        # other processes, and releases the remaining shared memory.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)
