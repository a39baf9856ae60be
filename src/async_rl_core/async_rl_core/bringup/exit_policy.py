"""The meaning of a node's end for the run, for the supervisor and the launch file alike."""

from enum import Enum

from async_rl_core.bringup.graph import NodeSpec

FAULTED = 3
"""Exit code of agent, guard and run where a fault of the guard stood at the end."""

EXPLAINED = 2
"""Exit code of a node that printed its error as one line; a restart would print it again."""


class ExitDecision(Enum):
    """The consequence of a node's end."""

    COMPLETE = "the run is complete"
    FAULT = "the run is complete, but a fault of the guard stands"
    CONTINUE = "the run continues without the node"
    RESTART = "the node is started again"
    FAIL = "the run stops with an error"


def decide(spec: NodeSpec, exit_code: int, restarts: int) -> ExitDecision:
    """Returns the consequence of a node's end that nobody asked for.

    Args:
        spec: the node.
        exit_code: its exit code, negative after a signal.
        restarts: how often it was started again before.
    """
    if spec.role == "finisher" and exit_code == 0:
        return ExitDecision.COMPLETE
    if spec.role == "finisher" and spec.tells_fault and exit_code == FAULTED:
        return ExitDecision.FAULT
    if spec.role == "optional":
        return ExitDecision.CONTINUE
    if exit_code != EXPLAINED and restarts < spec.restarts:
        return ExitDecision.RESTART
    return ExitDecision.FAIL
