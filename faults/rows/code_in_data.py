"""Promise 16: no data is run as code, in any source that is shipped."""

import ast
from pathlib import Path
from random import Random

from faults.campaign import Form, mutation
from faults.code_in_data import runs_data
from faults.report import Row

ROOT = Path(__file__).resolve().parents[2]
LEFT_OUT = {"build", "install", "log"}
"""Folders that hold copies."""
PLANTED = "from torch import load\nweights = load('policy.pt')\n"


def scan(form: Form, random: Random) -> list[Row]:
    """Every Python file of the repository."""
    sources = sorted(path for path in ROOT.rglob("*.py") if _is_ours(path.relative_to(ROOT)))
    found = [
        f"{path.relative_to(ROOT)}:{line}: {text}"
        for path in sources
        for line, text in runs_data(ast.parse(path.read_text(encoding="utf-8")))
    ]
    measured = f"{len(found)} in {len(sources)} files{': ' if found else ''}{'; '.join(found)}"
    mutations = mutation(form, "the scan, given torch's load", lambda: str(runs_data(ast.parse(PLANTED)) or ""))
    required = "0 uses of pickle, eval, exec, unchecked torch.load or object-building YAML"
    return [Row(16, "no code in data", required, measured, len(sources), not found, mutations)]


def _is_ours(path: Path) -> bool:
    return path.parts[0] not in LEFT_OUT and not path.parts[0].startswith(".")
