"""Learning of a robot's task in real time: several seeds, with their curves.

    python -m benchmarks.seeds                              # three seeds of each robot, 15 minutes each: three hours
    python -m benchmarks.seeds panda --seeds 4 --minutes 25

Runs of the whole graph as a user starts it, one after the other, so ROS_DOMAIN_ID must be one in which nothing else
runs. The records of each are kept in benchmarks/results/seeds/<robot>-<seed>/, and a run that is there is not repeated.
Writes the table into docs/performance.md, and docs/images/seeds_<robot>.png.
"""

import argparse
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from statistics import mean

from async_rl_core.atomic_file import replacing
from async_rl_core.config.catalogue import robots
from async_rl_core.monitoring.curve import draw
from async_rl_core.run_folder import episodes, summary
from async_rl_core.run_folder.run_folder import RunFolder
from async_rl_core.run_folder.summary import LAST
from benchmarks import rows
from benchmarks.report import DOCUMENT, insert, number, table

RESULTS = rows.RESULTS / "seeds"
PICTURES = DOCUMENT.parent / "images"
HEADER = (
    "Robot, task",
    "Seed",
    "Minutes",
    "Return, random",
    f"last {LAST}",
    "ratio",
    "Target term, random",
    f"last {LAST}",
    "ratio",
    "Updates",
    "Lateness p50 / p99, ms",
    "Missed cycles",
)


def learn(robot: str, seed: int, minutes: float) -> None:
    """Runs and keeps the records. Raises `CalledProcessError` if the run ends with an error."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder, "run")
        arguments = {"robot": robot, "seed": seed, "duration": 60 * minutes, "run_dir": run}
        command = ["async_rl", "launch", "reacher", *(f"{name}:={value}" for name, value in arguments.items())]
        subprocess.run(command, check=True, env=os.environ)
        keep(run, folder_of(robot, seed))


def keep(run: Path, folder: Path) -> None:
    """Copies the records of a run atomically."""
    part = folder.with_name(f"{folder.name}.part")
    part.mkdir(parents=True, exist_ok=True)
    source, copy = RunFolder(run), RunFolder(part)
    shutil.copyfile(source.episodes, copy.episodes)
    shutil.copyfile(source.summary, copy.summary)
    part.replace(folder)


def folder_of(robot: str, seed: int) -> Path:
    """Returns the folder of a run's records."""
    return RESULTS / f"{robot}-{seed}"


def line(robot: str, seed: int) -> list[str]:
    """Returns a run's line of the table."""
    folder = folder_of(robot, seed)
    history, facts = episodes.read_episodes(RunFolder(folder).episodes), summary.read(folder)
    parts = history[: facts["random_episodes"]], history[-LAST:]
    compared = _compared(*(mean(row.episode_return for row in part) for part in parts))
    compared += _compared(*(mean(row.target_term for row in part) for part in parts))
    lateness = f"{facts['lateness_p50_ms']:.1f} / {facts['lateness_p99_ms']:.1f}"
    missed = f"{facts['missed_cycles']} of {facts['cycles']:,}"
    what = f"{robot}, {facts['task']}"
    return [what, str(seed), f"{facts['wall_time_s'] / 60:.0f}", *compared, f"{facts['updates']:,}", lateness, missed]


def _compared(random: float, last: float) -> list[str]:
    return [number(random), number(last), f"{last / random:.1f}" if random > 0 else ""]


def report() -> str:
    """Writes table and figures of all kept runs; returns the table."""
    names = [path.name.rpartition("-") for path in RESULTS.glob("*-[0-9]*")]
    kept = sorted((robot, int(seed)) for robot, _, seed in names)
    text = table(HEADER, [line(robot, seed) for robot, seed in kept])
    document = insert(DOCUMENT.read_text(encoding="utf-8"), "seeds", text)
    with replacing(DOCUMENT) as temporary:
        temporary.write_text(document, encoding="utf-8")
    for robot in {robot for robot, _ in kept}:
        draw([folder_of(*run) for run in kept if run[0] == robot], PICTURES / f"seeds_{robot}.png")
    return text


def main() -> None:
    """Runs missing seeds, then writes table and figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("robot", nargs="*", default=sorted(robots()), help=f"of {', '.join(sorted(robots()))}")
    parser.add_argument("--seeds", type=int, nargs="*", default=[1, 2, 3])
    parser.add_argument("--minutes", type=float, default=15.0, help="of each run")
    arguments = parser.parse_args()
    for robot in arguments.robot:
        for seed in arguments.seeds:
            if not folder_of(robot, seed).exists():
                learn(robot, seed, arguments.minutes)
    print(report())


if __name__ == "__main__":
    main()
