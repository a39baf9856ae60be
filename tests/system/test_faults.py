"""The campaign's short form, as far as it takes seconds; `make faults` has the rest."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

QUICK = {5: 1, 11: 5, 14: 11, 16: 1}
"""Promises measured here, and rows of each: limits, damaged files, fuzzing, code in data."""


@pytest.mark.timeout(120)
def test_promises_hold_and_each_check_notices_a_protection_that_is_off(root: Path, tmp_path: Path, domain: int) -> None:
    words = ["-m", "faults", "--folder", str(tmp_path), "--only", *map(str, QUICK)]
    done = subprocess.run(
        [sys.executable, *words],
        cwd=root,
        env={**os.environ, "ROS_DOMAIN_ID": str(domain)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    rows = json.loads((tmp_path / "report.json").read_text())
    found = [row["number"] for row in rows]
    assert {number: found.count(number) for number in QUICK} == QUICK
    assert all(row["met"] for row in rows)
    mutations = [mutation for row in rows for mutation in row["mutations"]]
    assert mutations and all(mutation["noticed"] for mutation in mutations)
