"""The decision after a node ended."""

import pytest

from async_rl_core.bringup.exit_policy import EXPLAINED, FAULTED, ExitDecision, decide
from async_rl_core.bringup.graph import NodeSpec, Role


def decision(role: Role, code: int, restarts: int = 0, allowed: int = 0, tells_fault: bool = False) -> str:
    spec = NodeSpec("arm", "arm", "arm", role, allowed, tells_fault=tells_fault)
    return decide(spec, code, restarts).name


@pytest.mark.parametrize("code", [0, 1, EXPLAINED, FAULTED, -9])
def test_decide_optional_node_continues_whatever_its_code(code: int) -> None:
    assert decision("optional", code) == ExitDecision.CONTINUE.name


@pytest.mark.parametrize(
    ("code", "tells_fault", "expected"),
    [
        (0, False, "COMPLETE"),
        (0, True, "COMPLETE"),
        (FAULTED, True, "FAULT"),
        (FAULTED, False, "FAIL"),
        (1, True, "FAIL"),
    ],
)
def test_decide_finisher_completes_or_fails(code: int, tells_fault: bool, expected: str) -> None:
    assert decision("finisher", code, tells_fault=tells_fault) == expected


@pytest.mark.parametrize(
    ("code", "restarts", "expected"),
    [(1, 0, "RESTART"), (-9, 1, "RESTART"), (0, 1, "RESTART"), (1, 2, "FAIL"), (EXPLAINED, 0, "FAIL")],
)
def test_decide_essential_node_restarts_until_its_restarts_are_used(code: int, restarts: int, expected: str) -> None:
    assert decision("essential", code, restarts, allowed=2) == expected


def test_decide_guard_that_ends_in_a_fault_stops_the_run() -> None:
    assert decision("essential", FAULTED, tells_fault=True) == "FAIL"
