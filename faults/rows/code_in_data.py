"""Promise 16: no data is run as code, in any source that is shipped."""

import ast
from pathlib import Path
from random import Random

from faults.campaign import Campaign, mutation
from faults.report import Row
from testing.code_in_data import runs_data

ROOT = Path(__file__).resolve().parents[2]
LEFT_OUT = {"build", "install", "log"}
"""Folders with copies."""
PLANTED = "from torch import load\nweights = load('policy.pt')\n"


def scan(campaign: Campaign, random: Random) -> list[Row]:
    """Scans every Python file of the repository."""
    folders = [path for path in ROOT.iterdir() if path.is_dir() and _is_ours(path)]
    sources = sorted([*ROOT.glob("*.py"), *(path for folder in folders for path in folder.rglob("*.py"))])
    found = [
        f"{path.relative_to(ROOT)}:{line}: {text}"
        for path in sources
        for line, text in runs_data(ast.parse(path.read_text(encoding="utf-8")))
    ]
    measured = f"{len(found)} in {len(sources)} files{': ' if found else ''}{'; '.join(found)}"
    mutations = mutation(campaign, "the scan, given torch's load", lambda: str(runs_data(ast.parse(PLANTED)) or ""))
    required = "0 uses of pickle, eval, exec, unchecked torch.load or object-building YAML"
    return [Row(16, "no code in data", required, measured, len(sources), not found, mutations)]


def _is_ours(folder: Path) -> bool:
    """Returns whether a folder is scanned; hidden ones (caches, git) change meanwhile."""
    return folder.name not in LEFT_OUT and not folder.name.startswith(".")
