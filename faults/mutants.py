"""A node without one of its protections, to see whether the test of that protection notices.

Nothing in the configuration leads here: a mutant is this module's own process, which changes the node's code in
memory before it starts.
"""

import math
import os
import sys
from collections.abc import Callable
from importlib import import_module


def no_watchdog() -> None:
    """The guard follows the last command however old it is."""
    from async_rl_core.safety import inputs

    inputs.CommandInput.silence = lambda self, now: 0.0  # type: ignore[method-assign]


def no_command_timeout() -> None:
    """The simulated robot follows the last command however old it is."""
    from async_rl_core.sim import arm

    original = arm.SimulatedArm.__init__

    def without(self: arm.SimulatedArm, scene: object) -> None:
        original(self, scene)  # type: ignore[arg-type]
        self._controller.timeout = math.inf

    arm.SimulatedArm.__init__ = without  # type: ignore[method-assign]


def trusts_stamps() -> None:
    """The guard takes a command to be as old as its stamp says."""
    from async_rl_interfaces.msg import VelocityCommand
    from async_rl_ros.stamps import nanoseconds
    from safety_guard_node.node import SafetyGuardNode

    original = SafetyGuardNode._on_command

    def trusting(self: SafetyGuardNode, message: VelocityCommand) -> None:
        original(self, message)
        ahead = 1e-9 * (nanoseconds(message.header.stamp) - self.get_clock().now().nanoseconds)
        self._guard._commands._received += ahead

    SafetyGuardNode._on_command = trusting  # type: ignore[method-assign]


def unchecked_commands() -> None:
    """The guard takes every command to be well-formed."""
    from async_rl_core.safety import inputs

    inputs.CommandInput._judge = lambda self, *anything: None  # type: ignore[method-assign]


def forgets_faults() -> None:
    """The guard clears its faults itself, once the arm rests."""
    from async_rl_core.safety import guard

    original = guard.Guard.tick

    def forgetful(self: guard.Guard, now: float) -> guard.Vector:
        if self.fault is not None:
            self.reset_fault(now)
        return original(self, now)

    guard.Guard.tick = forgetful  # type: ignore[method-assign]


def open_files() -> None:
    """Files that are to be private are made for everybody."""
    original = os.open

    def opened(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        return original(path, flags, mode | 0o066, dir_fd=dir_fd)

    os.open = opened  # type: ignore[assignment]


def no_priority() -> None:
    """The node is scheduled as any other process is."""
    from async_rl_ros import scheduling

    scheduling.realtime = lambda priority: "as any other"


def starts_anew() -> None:
    """The learner does not look for a checkpoint."""
    from async_rl_core.algorithms.checkpoint_folder import CheckpointFolder

    CheckpointFolder.restore = lambda self, warn: 0  # type: ignore[method-assign]


def forgets_what_it_sent() -> None:
    """The agent takes a step that was sent to have arrived."""
    from async_rl_core.agent import outbox

    def trusting(self: outbox.Outbox, receipt: outbox.Receipt | None) -> None:
        while self._ahead > 0:
            self._drop_sent()

    outbox.Outbox._follow = trusting  # type: ignore[method-assign]


def hides_full_disks() -> None:
    """What cannot be written ends the thread that writes, and nobody is told."""
    from async_rl_core.algorithms import checkpoint_folder, metrics
    from async_rl_core.replay import journal

    class NeverError(Exception):
        pass

    for module in (checkpoint_folder, metrics, journal):
        module.OSError = NeverError  # type: ignore[attr-defined]


def leaves_the_dead() -> None:
    """What a dead process left in shared memory stays there."""
    from async_rl_core.transport import service

    service.clean_up_dead = lambda domain: None


def leaks() -> None:
    """The node keeps a megabyte of everything that it says of itself."""
    from async_rl_ros.diagnostics import Diagnostics

    kept, original = [], Diagnostics.publish

    def publish(self: Diagnostics) -> None:
        kept.append(b"1" * 2**20)
        original(self)

    Diagnostics.publish = publish  # type: ignore[method-assign]


MUTATIONS: dict[str, Callable[[], None]] = {
    "no_watchdog": no_watchdog,
    "no_command_timeout": no_command_timeout,
    "trusts_stamps": trusts_stamps,
    "unchecked_commands": unchecked_commands,
    "forgets_faults": forgets_faults,
    "open_files": open_files,
    "no_priority": no_priority,
    "starts_anew": starts_anew,
    "forgets_what_it_sent": forgets_what_it_sent,
    "hides_full_disks": hides_full_disks,
    "leaks": leaks,
    "leaves_the_dead": leaves_the_dead,
}


def main() -> None:
    """`python -m faults.mutants <mutation> <node> <the node's own arguments>`."""
    mutation, node, *arguments = sys.argv[1:]
    MUTATIONS[mutation]()
    sys.argv = [node, *arguments]
    import_module(f"{node}.node").main()


if __name__ == "__main__":
    main()
