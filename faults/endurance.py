"""Whole runs, on an idle machine or beside busy processes, and whether they learn until their end.

python -m faults.endurance --runs 10 --seconds 600                        # on a quiet machine
python -m faults.endurance --runs 10 --seconds 180 --busy 2               # beside two busy processes
python -m faults.endurance --runs 10 --seconds 180 --busy 2 --ordinary    # with the rights of an ordinary user

The table is written after each run. A run with the rights of an ordinary user has no real-time scheduling, no locked
memory and no negative nice value, and a home of its own; root gives up its capabilities for it (setpriv).
"""

import argparse
import os
import resource
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from async_rl_core.monitoring.faults import KINDS
from async_rl_core.run_folder import summary
from async_rl_core.run_folder.episodes import read_episodes
from async_rl_core.run_folder.run_folder import RunFolder
from faults.report import conditions

LAST = 30.0
"""Seconds at the end of a run in which updates must have happened."""
START = 120.0
"""Maximum seconds for start and end of a run together."""
TOLD = ("the computer was busy", "FAULT:", "the guard missed commands", "the guard heard no command")
"""Parts of terminal lines that report a fault or its causes."""
_WITHOUT_RIGHTS = ("setpriv", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs")
HEADER = (
    "Run",
    "Updates",
    "Episodes",
    "Faults",
    "Longest silence (ms)",
    "Agent's lateness p99 (ms)",
    "Guard's p99 and longest (ms)",
    f"Updates in the last {LAST:.0f} s",
    "Learned until the end",
    "Exit code",
)


@dataclass(frozen=True)
class Ended:
    """A finished run: figures, exit code, updates in its last seconds, and terminal lines about faults."""

    figures: dict[str, Any]
    code: int
    late_updates: int
    lines: list[str] = field(default_factory=list)

    @property
    def learned(self) -> bool:
        """True if the run learned until its end and ended as asked."""
        return self.code == 0 and self.late_updates > 0

    @property
    def faults(self) -> str:
        """Faults by kind, as text."""
        found = {kind: self.figures.get(f"faults_{kind}", 0) for kind in KINDS}
        return ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in found.items() if count) or "none"

    def row(self, number: int) -> tuple[object, ...]:
        """Returns the run's row of the table."""
        figures = self.figures
        silence = f"{figures.get('longest_silence_ms', 0.0):.0f}"
        learned = "yes" if self.learned else "NO"
        updates, episodes = figures.get("updates", 0), figures.get("episodes", 0)
        agent = figures.get("lateness_p99_ms", "")
        guard = f"{figures.get('guard_lateness_p99_ms', '')}, {figures.get('guard_lateness_max_ms', '')}"
        return number, updates, episodes, self.faults, silence, agent, guard, self.late_updates, learned, self.code


def main() -> int:
    """Runs as often as asked; returns 1 if a run did not learn until its end."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--seconds", type=int, default=600, help="of each run")
    parser.add_argument("--busy", type=int, default=0, help="processes beside it that compute all the time")
    parser.add_argument("--ordinary", action="store_true", help="with the rights of an ordinary user")
    parser.add_argument("--task", default="reacher", choices=("reacher", "tracker"))
    parser.add_argument("--words", nargs="*", default=[], help="more launch arguments, such as preset:=laptop")
    parser.add_argument("--out", type=Path, default=Path("endurance.md"), help="the table's file")
    arguments = parser.parse_args()
    ended: list[Ended] = []
    with tempfile.TemporaryDirectory(prefix="endurance-") as scratch, busy(arguments.busy):
        home = Path(scratch)
        for number in range(arguments.runs):
            ended.append(one_run(arguments, home / str(number)))
            arguments.out.write_text(document(arguments, ended), encoding="utf-8")
            print(f"{number + 1}: {'; '.join(map(str, ended[-1].row(number + 1)[1:]))}", flush=True)
    return int(not all(run.learned for run in ended))


def one_run(arguments: argparse.Namespace, home: Path) -> Ended:
    """Starts a run as a person does, and waits for its end."""
    home.mkdir()
    log, run_dir = home / "terminal.log", home / "run"
    rights = _WITHOUT_RIGHTS if arguments.ordinary and os.geteuid() == 0 else ()
    words = [f"duration:={arguments.seconds}", f"run_dir:={run_dir}", *arguments.words]
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(
            [*rights, "async_rl", "launch", arguments.task, *words],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "HOME": str(home), "ROS_LOG_DIR": str(home / "log")},
            preexec_fn=_limit if arguments.ordinary else None,
        )
        try:
            code = process.wait(arguments.seconds + START)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
            code = -process.wait(START)
    told = [
        line
        for line in log.read_text(errors="replace", encoding="utf-8").splitlines()
        if any(word in line for word in TOLD)
    ]
    return Ended(summary.read(run_dir), code, late_updates(run_dir, arguments.seconds), told)


def _limit() -> None:
    for limit, value in ((resource.RLIMIT_RTPRIO, 0), (resource.RLIMIT_NICE, 0), (resource.RLIMIT_MEMLOCK, 65536)):
        resource.setrlimit(limit, (value, value))


def late_updates(run_dir: Path, seconds: float) -> int:
    """Returns the updates of the last `LAST` seconds, between episodes; 0 if no episode ended in them."""
    path = RunFolder(run_dir).episodes
    rows = read_episodes(path) if path.exists() else []
    if not rows or rows[-1].wall_time < seconds - LAST:
        return 0
    before = [row.updates for row in rows if row.wall_time <= rows[-1].wall_time - LAST]
    return rows[-1].updates - (before[-1] if before else 0)


@contextmanager
def busy(count: int) -> Iterator[None]:
    """Runs `count` computing processes of ordinary priority, each in its own session."""
    line = [sys.executable, "-c", "while True: pass"]
    processes = [subprocess.Popen(line, start_new_session=True) for _ in range(count)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def document(arguments: argparse.Namespace, ended: list[Ended]) -> str:
    """Returns the Markdown table of the runs so far, with their lines about faults below it."""
    beside = f"beside {arguments.busy} busy processes" if arguments.busy else "beside nothing else"
    user = "an ordinary user" if arguments.ordinary or os.geteuid() else "root"
    learned = sum(run.learned for run in ended)
    lines = [
        f"{arguments.task}, {arguments.seconds} s each, {beside}, as {user}; {conditions()}: "
        f"{learned} of {len(ended)} learned until the end.",
        "",
        _cells(HEADER),
        _cells(["---"] * len(HEADER)),
        *(_cells(run.row(number)) for number, run in enumerate(ended, 1)),
        "",
    ]
    for number, run in enumerate(ended, 1):
        gap = run.figures.get("longest_gap_made_of")
        told = [*run.lines, f"longest gap between commands {gap}"] if gap else run.lines
        lines += [f"- Run {number}: `{line.strip()}`" for line in told]
    return "\n".join(lines) + "\n"


def _cells(values: Any) -> str:
    return "| " + " | ".join(map(str, values)) + " |"


if __name__ == "__main__":
    sys.exit(main())
