"""Mutants: nodes without one of their protections, or that fail on request.

Nothing in the configuration leads here: a mutant is this module's own process, which changes the node's code in
memory before it starts.
"""

import math
import os
import signal
import sys
from collections.abc import Callable
from importlib import import_module

CAMERA = {
    what: signal.SIGRTMIN + i for i, what in enumerate(("works", "stops", "freezes", "goes black", "changes size"))
}
"""Signals by the failure of the simulated camera that they request from `failing_camera`."""
JOINT_STATES = {
    what: signal.SIGRTMIN + i
    for i, what in enumerate(("work", "stop", "repeat", "stand still", "jump", "lose a joint", "are no numbers"))
}
"""Signals by the failure of joint states that they request from `failing_joint_states`."""
JUMP = 0.5
"""Jump of the first joint in rad: more than a joint moves while a state may be late."""


def without_guard_watchdog() -> None:
    """Lets the guard follow the last command, however old."""
    from async_rl_core.safety.inputs.command_input import CommandInput

    CommandInput.silence = lambda self, now: 0.0  # type: ignore[method-assign]


def without_robot_timeout() -> None:
    """Lets the simulated robot follow the last command, however old."""
    from async_rl_core.sim import arm

    original = arm.SimulatedArm.__init__

    def without(self: arm.SimulatedArm, scene: object) -> None:
        original(self, scene)  # type: ignore[arg-type]
        self._controller.timeout = math.inf

    arm.SimulatedArm.__init__ = without  # type: ignore[method-assign]


def without_receipt_time() -> None:
    """Lets the guard judge a command's age by its stamp."""
    from async_rl_interfaces.msg import VelocityCommand
    from async_rl_ros.ros_time import nanoseconds
    from safety_guard_node.node import SafetyGuardNode

    original = SafetyGuardNode._on_command

    def trusting(self: SafetyGuardNode, message: VelocityCommand) -> None:
        original(self, message)
        ahead = 1e-9 * (nanoseconds(message.header.stamp) - self.get_clock().now().nanoseconds)
        self._guard.commands._received += ahead

    SafetyGuardNode._on_command = trusting  # type: ignore[method-assign]


def without_command_checks() -> None:
    """Lets the guard accept malformed commands."""
    from async_rl_core.safety.inputs.command_input import CommandInput

    CommandInput._judge = lambda self, *anything: None  # type: ignore[method-assign]


def without_fault_latch() -> None:
    """Lets the guard clear its faults when the arm rests."""
    from async_rl_core.safety import guard

    original = guard.Guard.tick

    def forgetful(self: guard.Guard, now: float) -> guard.Vector:
        if self.fault is not None:
            self.reset_fault(now)
        return original(self, now)

    guard.Guard.tick = forgetful  # type: ignore[method-assign]


def without_private_modes() -> None:
    """Creates private files with permissions for everybody."""
    original = os.open

    def opened(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        return original(path, flags, mode | 0o066, dir_fd=dir_fd)

    os.open = opened  # type: ignore[assignment]


def without_realtime_priority() -> None:
    """Runs the node without real-time priority."""
    from async_rl_ros import scheduling

    scheduling.realtime = lambda *anything: "as any other"


def without_checkpoint_restore() -> None:
    """Lets the learner start without its checkpoint."""
    from async_rl_core.learning.checkpoint_folder import CheckpointFolder

    CheckpointFolder.restore = lambda self, warn: 0  # type: ignore[method-assign]


def without_retransmission() -> None:
    """Lets the agent treat sent steps as acknowledged."""
    from async_rl_core.agent import outbox

    def trusting(self: outbox.Outbox, ack: object) -> None:
        while self._in_flight > 0:
            self._drop_sent()

    outbox.Outbox._follow = trusting  # type: ignore[method-assign]


def without_disk_error_handling() -> None:
    """Lets a failed write end the writing thread without a report."""
    from async_rl_core.learning import checkpoint_folder
    from async_rl_core.replay.journal import journal
    from async_rl_core.run_folder import appended_file as appended

    class NeverRaisedError(Exception):
        pass

    for module in (checkpoint_folder, appended, journal):
        module.OSError = NeverRaisedError  # type: ignore[attr-defined]


def without_shared_memory_cleanup() -> None:
    """Leaves files of dead processes in shared memory."""
    from async_rl_core.transport.shared_memory.domain import SharedMemoryDomain

    SharedMemoryDomain.sweep = lambda self: None  # type: ignore[method-assign]


def without_image_checks() -> None:
    """Lets the agent accept every image as current."""
    from async_rl_core.agent import camera_health as sight
    from async_rl_core.agent import loop

    loop.FRAME_TIMEOUT = sight.TIMEOUT = math.inf


def without_step_confirmation() -> None:
    """Lets the agent store steps without confirmation."""
    from async_rl_core.agent import outbox

    outbox.Outbox.withdraw = lambda self: setattr(self, "held", 0)  # type: ignore[method-assign]


def without_steady_clock() -> None:
    """Lets the guard read the wall clock instead of a steady clock."""
    import time
    from types import SimpleNamespace

    from safety_guard_node import node

    node.time = SimpleNamespace(monotonic=time.time, sleep=time.sleep)  # type: ignore[attr-defined, assignment]


def _asked(ways: dict[str, int]) -> Callable[[], str]:
    """Returns a function for the failure that the last signal requested; the first of `ways` before any signal."""
    asked = next(iter(ways))

    def ask(number: int, frame: object) -> None:
        nonlocal asked
        asked = next(what for what, known in ways.items() if known == number)

    for number in ways.values():
        signal.signal(number, ask)
    return lambda: asked


def failing_camera() -> None:
    """Lets the simulated camera fail on request, see `CAMERA`."""
    import numpy as np

    from async_rl_core.sim.camera import Image
    from robot_sim_node.camera_publisher import CameraPublisher
    from robot_sim_node.camera_thread import CameraSnapshot

    original, asked = CameraPublisher._publish, _asked(CAMERA)
    last: Image = np.zeros((1, 1, 3), np.uint8)

    def publish(self: CameraPublisher, image: Image, snapshot: CameraSnapshot) -> None:
        nonlocal last
        how = asked()
        if how == "works":
            last = image.copy()
        shown = {"freezes": last, "goes black": np.zeros_like(image), "changes size": image[::2, ::2].copy()}
        if how != "stops":
            original(self, shown.get(how, image), snapshot)

    CameraPublisher._publish = publish  # type: ignore[method-assign]


def failing_joint_states() -> None:
    """Lets joint states of the simulated robot fail on request, see `JOINT_STATES`; the arm keeps moving."""
    from sensor_msgs.msg import JointState

    from robot_sim_node.node import RobotSimNode

    original, asked = RobotSimNode._create_publishers, _asked(JOINT_STATES)
    last = JointState()

    def failed(message: JointState) -> JointState | None:
        nonlocal last
        match asked():
            case "work":
                last = message
            case "stop":
                return None
            case "repeat":
                return last
            case "stand still":
                message.position = last.position
            case "jump":
                message.position[0] += JUMP
            case "lose a joint":
                message.name, message.position = message.name[:-1], message.position[:-1]
                message.velocity, message.effort = message.velocity[:-1], message.effort[:-1]
            case "are no numbers":
                message.position[0] = math.nan
        return message

    def create(self: RobotSimNode) -> None:
        original(self)
        publish = self._state_publisher.publish

        def failing(message: JointState) -> None:
            if (shown := failed(message)) is not None:
                publish(shown)

        self._state_publisher.publish = failing

    RobotSimNode._create_publishers = create  # type: ignore[method-assign]


def without_joint_state_checks() -> None:
    """Lets the guard trust old and jumping joint states."""
    from async_rl_core.safety.inputs.joint_state_input import JointStateInput

    JointStateInput.stale = lambda self, now: None  # type: ignore[method-assign]
    JointStateInput._jump = lambda self, now, stamp, angles: None  # type: ignore[method-assign]


def without_resumption() -> None:
    """Lets the guard assume after a gap that the arm moves as commanded."""
    from async_rl_core.safety import resumption

    resumption.Resumption._begin = lambda self, since, gap: None  # type: ignore[method-assign]


def without_publisher_checks() -> None:
    """Lets the guard ignore other publishers and their commands."""
    from async_rl_core.safety import guard

    original = guard.Guard.on_publishers
    guard.Guard.on_publishers = lambda self, now, count: original(self, now, 1)  # type: ignore[method-assign]
    guard.Guard.on_foreign_command = lambda self, now, values: None  # type: ignore[method-assign]
    guard.Guard.on_input_publishers = lambda self, now, topic, count: None  # type: ignore[method-assign]


def without_rest_watch() -> None:
    """Lets the guard ignore other publishers and motion while zeros are sent."""
    from async_rl_core.safety.motion.rest_watch import RestWatch

    without_publisher_checks()
    RestWatch.judge = lambda self, now, resting: None  # type: ignore[method-assign]


def without_description_checks() -> None:
    """Lets the guard accept any robot description."""
    from async_rl_core.safety.inputs import description_input

    description_input.DescriptionInput.conflict = lambda self: None  # type: ignore[method-assign]
    description_input.require_same_reach = lambda *anything: None


def with_memory_leak() -> None:
    """Lets the node keep a megabyte per diagnostics message."""
    from async_rl_ros.diagnostics import Diagnostics

    kept, original = [], Diagnostics.publish

    def publish(self: Diagnostics) -> None:
        kept.append(b"1" * 2**20)
        original(self)

    Diagnostics.publish = publish  # type: ignore[method-assign]


def without_writer_thread() -> None:
    """Lets the supervisor write its output in the thread that handles signals."""
    from async_rl_core.bringup.process.line_writer import LineWriter

    LineWriter.put = lambda self, line: self._write(f"{line}\n".encode())  # type: ignore[method-assign]


def without_stop_before_suspend() -> None:
    """Lets the supervisor suspend itself without stopping the arm."""
    from async_rl_core.bringup.process.supervisor import Supervisor

    Supervisor._on_suspend = lambda self, number: os.kill(os.getpid(), signal.SIGSTOP)  # type: ignore[method-assign]


MUTATIONS: dict[str, Callable[[], None]] = {
    "without_guard_watchdog": without_guard_watchdog,
    "without_robot_timeout": without_robot_timeout,
    "without_receipt_time": without_receipt_time,
    "without_command_checks": without_command_checks,
    "without_fault_latch": without_fault_latch,
    "without_private_modes": without_private_modes,
    "without_realtime_priority": without_realtime_priority,
    "without_checkpoint_restore": without_checkpoint_restore,
    "without_retransmission": without_retransmission,
    "without_disk_error_handling": without_disk_error_handling,
    "failing_camera": failing_camera,
    "failing_joint_states": failing_joint_states,
    "without_joint_state_checks": without_joint_state_checks,
    "without_resumption": without_resumption,
    "without_publisher_checks": without_publisher_checks,
    "without_rest_watch": without_rest_watch,
    "without_description_checks": without_description_checks,
    "with_memory_leak": with_memory_leak,
    "without_shared_memory_cleanup": without_shared_memory_cleanup,
    "without_image_checks": without_image_checks,
    "without_step_confirmation": without_step_confirmation,
    "without_steady_clock": without_steady_clock,
    "without_writer_thread": without_writer_thread,
    "without_stop_before_suspend": without_stop_before_suspend,
}


def main() -> None:
    """Runs `python -m faults.mutants <mutation> <node> <arguments of the node>`."""
    mutation, node, *arguments = sys.argv[1:]
    MUTATIONS[mutation]()
    sys.argv = [node, *arguments]
    if node == "async_rl":
        sys.exit(import_module("async_rl.__main__").main())
    import_module(f"{node}.node").main()


if __name__ == "__main__":
    main()
