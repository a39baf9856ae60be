"""Promise 4: each protection of the guard, removed in code, is noticed by its check."""

import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from random import Random

from faults.campaign import Campaign
from faults.report import Mutation, Row

ROOT = Path(__file__).resolve().parents[2]
TESTS = "src/async_rl_core/test/safety/test_mutations.py"
WITHOUT, WITH = "test_check_without_its_protection_fails[", "test_check_with_its_protection_passes["


def switched_off(campaign: Campaign, random: Random) -> list[Row]:
    """Returns no row if the campaign has no mutations."""
    if not campaign.mutate:
        return []
    outcomes = _outcomes(campaign.scratch / "mutations.xml")
    mutations = tuple(
        Mutation(name.removeprefix(WITHOUT).removesuffix("]").replace("_", " "), passed, "")
        for name, passed in outcomes.items()
        if name.startswith(WITHOUT)
    )
    checks = [passed for name, passed in outcomes.items() if name.startswith(WITH)]
    measured = f"{sum(checks)} of {len(checks)} checks pass with all protections on"
    promise = "the guard's protections, each switched off in turn (in plain Python)"
    met = bool(mutations) and all(checks) and len(checks) == len(mutations)
    return [Row(4, promise, "each check passes, and fails without its protection", measured, 1, met, mutations)]


def _outcomes(path: Path) -> dict[str, bool]:
    """Returns whether each test passed, by name."""
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={path}", TESTS]
    subprocess.run(words, cwd=ROOT, stdout=subprocess.DEVNULL, check=False)
    cases = ElementTree.parse(path).iter("testcase")
    return {case.get("name", ""): len(case) == 0 for case in cases}
