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


MUTATIONS: dict[str, Callable[[], None]] = {
    "no_watchdog": no_watchdog,
    "no_command_timeout": no_command_timeout,
    "trusts_stamps": trusts_stamps,
    "unchecked_commands": unchecked_commands,
    "forgets_faults": forgets_faults,
    "open_files": open_files,
}


def main() -> None:
    """`python -m faults.mutants <mutation> <node> <the node's own arguments>`."""
    mutation, node, *arguments = sys.argv[1:]
    MUTATIONS[mutation]()
    sys.argv = [node, *arguments]
    import_module(f"{node}.node").main()


if __name__ == "__main__":
    main()
