"""Rows and mutations of the fault campaign."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from faults.arm_listener import PromiseTimeoutError
from faults.campaign import Campaign, mutation
from faults.report import A_MEASUREMENT, Mutation, Row, merged, table

ROW = Row(1, "a promise", "0", "0 times", 3, True)


def raising(error: Exception) -> Callable[[], str]:
    def broken() -> str:
        raise error

    return broken


@pytest.mark.parametrize(
    ("broken", "noticed"),
    [
        (lambda: "3 missed", True),
        (lambda: "", False),
        (raising(PromiseTimeoutError("zero on the wire: not within 3 s")), True),
        (raising(TimeoutError("guard in state 1: not within 20 s")), False),
        (raising(RuntimeError("a node ended")), False),
    ],
)
def test_mutation_is_noticed_only_by_a_measurement(tmp_path: Path, broken: Callable[[], str], noticed: bool) -> None:
    [found] = mutation(Campaign(False, tmp_path, tmp_path, 0), "a protection", broken)
    assert found.noticed == noticed
    assert not mutation(Campaign(False, tmp_path, tmp_path, 0, mutate=False), "a protection", broken)


def test_merged_replaces_old_rows_and_drops_failed_ones() -> None:
    broke_down = replace(ROW, promise="faults.rows.x", required=A_MEASUREMENT, met=False)
    newer, other = replace(ROW, measured="1 time"), replace(ROW, number=2)
    assert merged([ROW, broke_down, other], [newer]) == [newer, other]
    assert merged([ROW], [broke_down]) == [ROW, broke_down]


def test_table_counts_many_mutations() -> None:
    many = tuple(Mutation(f"number {i}", i != 3, "") for i in range(9))
    assert "8 of 9 noticed; NOT: number 3" in table([replace(ROW, mutations=many)])
    assert "number 1: noticed" in table([replace(ROW, mutations=many[:2])])
