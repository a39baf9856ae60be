"""Lateness of the agent's commands under increasing load of the learner; benchmarks/results/lateness.json.

    python -m benchmarks.lateness               # five runs of the simulated arm, about five minutes

Real runs of the whole graph, so ROS_DOMAIN_ID must be one in which nothing else runs.
"""

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from async_rl_core.config.load import resolve, write_config
from async_rl_core.config.schema import Config
from benchmarks import rows
from benchmarks.timing import CORES

RESULT = rows.RESULTS / "lateness.json"
DURATION = 45.0
"""Duration of each run in seconds."""


@dataclass(frozen=True)
class Load:
    """Load of the learner meanwhile."""

    name: str
    preset: str
    max_updates_per_step: float
    threads: int
    initial_steps: int = 50
    """Random steps before the first update."""


LOADS = (
    Load("none", "laptop", 1.0, 1, initial_steps=50_000),
    Load("one update per step", "laptop", 1.0, 0),
    Load("flat out, one core spared", "laptop", 64.0, 0),
    Load("flat out, every core", "laptop", 64.0, CORES),
    Load("flat out, every core, the papers' networks", "yuan2022_baseline", 64.0, CORES),
)


@dataclass(frozen=True)
class Lateness:
    """Lateness of all commands of a run in ms after their deadlines."""

    load: str
    preset: str
    threads: int
    updates: int
    cycles: int
    missed_cycles: int
    lateness_p50_ms: float
    lateness_p99_ms: float
    lateness_max_ms: float


def settings(load: Load) -> Config:
    """Figures of a run."""
    overrides: Mapping[str, object] = {
        "duration": DURATION,
        "learner.max_updates_per_step": load.max_updates_per_step,
        "learner.threads": load.threads,
        "agent.initial_steps": load.initial_steps,
    }
    return resolve(load.preset, overrides)


def run(load: Load) -> Lateness:
    """Runs the graph. Raises `CalledProcessError` if it ends with an error."""
    with tempfile.TemporaryDirectory() as folder:
        preset, run_dir = Path(folder, "load.yaml"), Path(folder, "run")
        write_config(settings(load), preset)
        command = ["async_rl", "launch", "reacher", f"preset:={preset}", f"run_dir:={run_dir}", f"duration:={DURATION}"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=os.environ)
        summary = json.loads((run_dir / "summary.json").read_text(encoding="utf-8"))
    figures = {key: summary[key] for key in Lateness.__dataclass_fields__ if key in summary and key != "preset"}
    return Lateness(load=load.name, preset=load.preset, threads=load.threads or CORES - 1, **figures)


def main() -> None:
    """Runs, prints and writes."""
    found = []
    print(f"{'':44}{'updates':>9}{'cycles':>8}{'missed':>8}{'p50':>8}{'p99':>8}{'max':>8}")
    for load in LOADS:
        late = run(load)
        found.append(asdict(late))
        counts = f"{late.updates:9}{late.cycles:8}{late.missed_cycles:8}"
        print(
            f"{late.load:44}{counts}{late.lateness_p50_ms:8.2f}{late.lateness_p99_ms:8.2f}{late.lateness_max_ms:8.2f}"
        )
    rows.write(RESULT, found)


if __name__ == "__main__":
    main()
