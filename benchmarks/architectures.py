"""The three architectures side by side, in the real graph: component times, update cycle, updates, the agent's pace.

    python -m benchmarks.architectures                      # two settings of the papers, 60 s each: nine minutes
    python -m benchmarks.architectures laptop --seconds 30

Every run learns from its first steps on, with the papers' cap of one update per environment step. Where the learner is
so fast that it waits for data under that cap, the run is repeated flat out, for its update cycle alone. Seq-SAC finds
its own action cycle. Real runs: ROS_DOMAIN_ID must be one in which nothing else runs, and the machine idle.

Writes benchmarks/results/architectures.json, the table into docs/architecture.md, docs/images/architectures.png.
"""

import argparse
import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from async_rl_core.atomic_file import replacing
from async_rl_core.config.catalogue import presets
from async_rl_core.config.load import resolve, write_config
from async_rl_core.monitoring.flow import draw
from async_rl_core.run_folder.components import COMPONENTS, FIGURES, NAMES, UPDATE_CYCLE, chain, key, longest, mean
from async_rl_core.run_folder.episodes import read_episodes
from benchmarks import rows
from benchmarks.report import insert, number, table

RESULT = rows.RESULTS / "architectures.json"
DOCUMENT = Path(__file__).parent.parent / "docs" / "architecture.md"
PICTURE = Path(__file__).parent.parent / "docs" / "images" / "architectures.png"
SETTINGS = ("yuan2022_baseline", "yuan2022_high_resolution")
ARCHITECTURES = ("seq", "async1", "async2")
INITIAL_STEPS = 8
CAP, FLAT_OUT = 1.0, 64.0
"""Maximum updates per environment step."""
PRECISION = "bf16"
"""In float32 the high-resolution setting needs more seconds per update than Seq-SAC may take on two cores."""
CAPACITY = 10_000
"""Capacity in transitions: more than a run stores; at 320x180 the papers' 100,000 need too much memory."""
TOLERANCE = 0.05
LATENESS = 0.25
"""Maximum 99th percentile of the agent's cycle in action cycles, with the computation of the action."""

Row = Mapping[str, Any]


def measure(preset: str, architecture: str, seconds: float, updates_per_step: float) -> Row:
    """Runs the graph and reads its records; returns a row with `refused` if it does not start.

    Raises `CalledProcessError` where it ended with an error.
    """
    overrides = {
        "agent.initial_steps": INITIAL_STEPS,
        "learner.max_updates_per_step": updates_per_step,
        "replay.capacity": CAPACITY,
        "learning.precision": PRECISION,
    }
    with tempfile.TemporaryDirectory() as folder:
        settings, run_dir = Path(folder, f"{preset}.yaml"), Path(folder, "run")
        write_config(resolve(preset, overrides), settings)
        arguments = {
            "architecture": architecture,
            "action_cycle_time": "auto",
            "preset": settings,
            "run_dir": run_dir,
            "duration": seconds,
        }
        command = ["async_rl", "launch", "reacher", *(f"{name}:={value}" for name, value in arguments.items())]
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ, check=False
        )
        if done.returncode == 2:
            return {"preset": preset, "architecture": architecture, "refused": done.stdout.strip().splitlines()[-1]}
        if done.returncode != 0:
            print(done.stdout[-2000:])
        done.check_returncode()
        summary = json.loads((run_dir / "summary.json").read_text(encoding="utf-8"))
        return {**summary, **pace(run_dir), "faults": done.stdout.count("FAULT: the safety guard")}


def pace(run_dir: Path) -> dict[str, float | None]:
    """Returns updates per second between the ends of the first and the last episode with updates."""
    learning = [row for row in read_episodes(run_dir / "episodes.csv") if row.updates > 0]
    if len(learning) < 2:
        return {"updates_per_second": None, "updates_per_step": None}
    first, last = learning[0], learning[-1]
    updates = last.updates - first.updates
    return {
        "updates_per_second": updates / (last.wall_time - first.wall_time),
        "updates_per_step": updates / (last.env_steps - first.env_steps),
    }


def expected(row: Row) -> float | None:
    """Returns the expected update cycle in ms: the longer part with async2, the sum with async1."""
    return longest(row) if row["architecture"] == "async2" else chain(row)


def ratio(row: Row) -> float | None:
    """Returns the update cycle as a multiple of the expected one; None if there is none, as with seq."""
    cycle, wanted = mean(row, UPDATE_CYCLE), expected(row)
    return None if cycle is None or not wanted else cycle / wanted


def measure_all(settings: Sequence[str], seconds: float) -> Iterator[Row]:
    """Measures every architecture in every setting."""
    for preset in settings:
        for architecture in ARCHITECTURES:
            row = measure(preset, architecture, seconds, CAP)
            if architecture != "seq" and "refused" not in row and mean(row, UPDATE_CYCLE) is None:
                free = measure(preset, architecture, seconds, FLAT_OUT)
                row = {
                    **row,
                    **{key(name, figure): free.get(key(name, figure)) for name in NAMES for figure in FIGURES},
                }
            print(line(row), flush=True)
            yield row


def line(row: Row) -> str:
    """Returns a row for the terminal."""
    return "  ".join(cell or "-" for cell in cells(row))


HEADER = [
    *("Setting", "Architecture", "Action cycle", *COMPONENTS, "Update cycle", "of the longer / of the sum"),
    *("Updates", "per s", "per step", "Lateness p99", "Missed"),
]


def cells(row: Row) -> list[str]:
    """Returns a row of the table in ms; cells not measured are empty."""
    if "refused" in row:
        return [row["preset"], row["architecture"], row["refused"], *[""] * (len(HEADER) - 3)]
    times = [number(mean(row, name)) for name in NAMES]
    share = "" if (found := ratio(row)) is None else f"{found:.3f}"
    counts = [str(row["updates"]), number(row["updates_per_second"]), number(row["updates_per_step"])]
    late = [number(row["lateness_p99_ms"]), f"{row['missed_cycles']} of {row['cycles']}"]
    return [row["preset"], row["architecture"], number(row["action_cycle_ms"]), *times, share, *counts, *late]


def findings(measured: Sequence[Row]) -> Iterator[str]:
    """Returns each expectation and whether it holds."""
    sequential = {row["preset"]: row for row in measured if row["architecture"] == "seq"}
    for row in measured:
        name = f"{row['preset']}, {row['architecture']}"
        if "refused" in row:
            yield f"not measured: {name}: {row['refused']}"
            continue
        if row["faults"]:
            yield f"{_verdict(False)}: {name}: the safety guard stopped the arm; measure again"
        if row["architecture"] != "seq":
            claims = [_cycle_claim(row), _pace_claim(row), _count_claim(row, sequential.get(row["preset"], {}))]
            yield from (f"{_verdict(holds)}: {name}: {claim}" for holds, claim in claims)


def _cycle_claim(row: Row) -> tuple[bool, str]:
    found = ratio(row) or 0.0
    if row["architecture"] == "async2":
        claim = f"update cycle {found:.3f} times the longer of sampling and update, at most {1 + TOLERANCE}"
        return 0.0 < found <= 1 + TOLERANCE, claim
    return 1 - TOLERANCE <= found <= 1 + TOLERANCE, f"update cycle {found:.3f} times the sum of its parts"


def _pace_claim(row: Row) -> tuple[bool, str]:
    late, missed = row["lateness_p99_ms"], row["missed_cycles"]
    holds = missed == 0 and late <= LATENESS * row["action_cycle_ms"]
    return holds, f"{missed} cycles missed, agent late by {number(late)} ms (p99)"


def _count_claim(row: Row, sequential: Row) -> tuple[bool, str]:
    """Returns whether asynchronous runs do as many updates as sequential ones, unlike in Parsaee et al. (2023)."""
    ours, theirs = row["updates_per_second"], sequential.get("updates_per_second")
    holds = ours is not None and (theirs is None or ours >= theirs)
    return holds, f"{number(ours) or 'no'} updates per second, seq {number(theirs) or 'none'}"


def _verdict(holds: bool) -> str:
    return "held" if holds else "NOT HELD"


def picture(measured: Sequence[Row]) -> None:
    """Draws one panel per run: a column per setting, a row per architecture."""
    by_name = {(row["preset"], row["architecture"]): row for row in measured}
    settings = list(dict.fromkeys(row["preset"] for row in measured))
    draw([[(f"{s}, {a}", by_name[s, a]) for s in settings] for a in ARCHITECTURES], PICTURE)


def main() -> None:
    """Measures, prints, writes and draws."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("preset", nargs="*", default=SETTINGS, help=f"of {', '.join(presets())}")
    parser.add_argument("--seconds", type=float, default=60.0, help="of each run")
    arguments = parser.parse_args()
    print("  ".join(HEADER), flush=True)
    measured = list(measure_all(arguments.preset, arguments.seconds))
    print(*findings(measured), sep="\n")
    rows.write(RESULT, measured)
    picture(measured)
    text = insert(DOCUMENT.read_text(encoding="utf-8"), "architectures", table(HEADER, list(map(cells, measured))))
    with replacing(DOCUMENT) as temporary:
        temporary.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
