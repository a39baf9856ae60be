"""Short form of the fault campaign: quick rows, and each death and malformed command once in motion."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from faults.report import A_MEASUREMENT

QUICK = {5: 2, 11: 5, 14: 16, 16: 1}
"""Promises measured here with their number of rows: limits, damaged files, fuzzing, code in data."""
DEADLY = {1: 2, 2: 1, 4: 2}
"""Promises about deaths of agent and guard and about malformed commands, with a learning arm."""
TIMED = (1, 2)
"""Promises whose figure is a time."""
HALTED = 20.0
"""Milliseconds of a machine halt, above which a late stop does not count as a failure."""


def measured(root: Path, folder: Path, domain: int, rows: dict[int, int], *options: str) -> list[dict[str, Any]]:
    """Returns the report on promises; each must have been measured."""
    words = ["-m", "faults", "--folder", str(folder), *options, "--only", *map(str, rows)]
    done = subprocess.run(
        [sys.executable, *words],
        cwd=root,
        env={**os.environ, "ROS_DOMAIN_ID": str(domain)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    report: list[dict[str, Any]] = json.loads((folder / "report.json").read_text())
    found = [row["number"] for row in report]
    assert {number: found.count(number) for number in rows} == rows, done.stdout
    assert all(row["required"] != A_MEASUREMENT for row in report), done.stdout
    return report


@pytest.mark.timeout(240)
def test_campaign_short_rows_hold_and_notice_removed_protections(root: Path, tmp_path: Path, domain: int) -> None:
    report = measured(root, tmp_path, domain, QUICK)
    assert all(row["met"] for row in report)
    mutations = [mutation for row in report for mutation in row["mutations"]]
    assert mutations and all(mutation["noticed"] for mutation in mutations)


@pytest.mark.timeout(400)
def test_campaign_arm_stops_when_agent_or_guard_dies_or_commands_are_malformed(
    root: Path, tmp_path: Path, domain: int
) -> None:
    report = measured(root, tmp_path, domain, DEADLY, "--repeats", "1", "--no-mutations")
    assert all(row["met"] or (row["number"] in TIMED and row["halted"] > HALTED) for row in report), report
