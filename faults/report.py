"""What a campaign found: one row per promise, as JSON and as a table.

`python -m faults.report` puts the table of report.json into docs/reliability.md.
"""

import contextlib
import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path

from async_rl_core.atomic_file import replacing

A_MEASUREMENT = "a measurement"
"""Required of every row, and all that is said to be where one broke down."""
FEW = 5
"""Mutations that a cell of the table lists one by one."""
BEGIN, END = "<!-- the table begins -->", "<!-- the table ends -->"


@dataclass(frozen=True)
class Mutation:
    """A protection that was switched off, and whether the test of its promise noticed."""

    protection: str
    noticed: bool
    how: str


@dataclass(frozen=True)
class Row:
    """A promise, and what was measured of it."""

    number: int
    promise: str
    required: str
    measured: str
    repeats: int
    met: bool
    mutations: tuple[Mutation, ...] = field(default=())
    conditions: str = ""
    """When, and on what."""
    halted: float = 0.0
    """Milliseconds for which the machine itself halted at the longest meanwhile, by `HaltMonitor`."""
    late: float | None = None
    """Milliseconds by which its halts alone made deadlines late, at the 99.9th percentile; None: not measured."""
    form: str = ""
    """`short` or `long`: the form of the campaign that measured it."""
    skipped: str = ""
    """Why it could not be measured here; empty where it was."""

    @property
    def broke_down(self) -> bool:
        """Whether there is no measurement in it, only what kept it from being one."""
        return self.required == A_MEASUREMENT

    @property
    def broken(self) -> bool:
        """Whether the promise does not hold, or its measurement would not notice."""
        return not self.skipped and not (self.met and all(mutation.noticed for mutation in self.mutations))


def write(path: Path, rows: Sequence[Row]) -> None:
    """Write the rows as JSON, whole."""
    with replacing(path, 0o644) as temporary:
        temporary.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n", encoding="utf-8")


def read(path: Path) -> list[Row]:
    """Rows that an earlier campaign wrote; none where there is no file."""
    if not path.exists():
        return []
    rows = json.loads(path.read_text(encoding="utf-8"))
    return [Row(**(row | {"mutations": tuple(Mutation(**m) for m in row["mutations"])})) for row in rows]


def merged(old: Sequence[Row], new: Sequence[Row]) -> list[Row]:
    """The old rows with the new ones in the place of those of the same promise; breakdowns of old are forgotten."""
    kept = {(row.number, row.promise): row for row in (*(row for row in old if not row.broke_down), *new)}
    return [kept[key] for key in sorted(kept)]


def table(rows: Sequence[Row]) -> str:
    """A markdown table."""
    lines = ["| # | Promise | Required | Measured | Repeats | Form | Met | With the protection switched off | Halts |"]
    lines.append("|---|---|---|---|---|---|---|---|---|")
    for row in rows:
        mutations = _words(row.mutations)
        met = "not measured" if row.skipped else "yes" if row.met else "**no**"
        measured = row.skipped or row.measured
        halts = f"{row.halted:.0f} ms" if row.halted else ""
        halts += f"; p99.9 {row.late:.1f}" if row.late is not None else ""
        cells = (
            str(row.number),
            row.promise,
            row.required,
            measured,
            str(row.repeats),
            row.form,
            met,
            mutations,
            halts,
        )
        lines.append(f"| {' | '.join(cells)} |")
    conditions = sorted({row.conditions for row in rows if row.conditions})
    return "\n".join([*lines, "", f"Measured: {'; '.join(conditions)}."]) + "\n"


def _words(mutations: Sequence[Mutation]) -> str:
    """Each, or of many their number and those that nobody noticed."""
    missed = [mutation.protection for mutation in mutations if not mutation.noticed]
    if len(mutations) > FEW:
        return f"{len(mutations) - len(missed)} of {len(mutations)} noticed" + f"; NOT: {', '.join(missed)}" * bool(
            missed
        )
    return "; ".join(f"{m.protection}: {'noticed' if m.noticed else 'NOT NOTICED'}" for m in mutations)


def conditions() -> str:
    """Today, and this machine."""
    model = platform.machine()
    with contextlib.suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        model = next(line.partition(": ")[2] for line in lines if line.startswith("model name"))
    return f"{date.today()}, {len(os.sched_getaffinity(0))} cores of {model}, Linux {platform.release()}"


def publish(rows: Sequence[Row], document: Path) -> None:
    """Put the table into a document, between its two marks."""
    head, _, rest = document.read_text(encoding="utf-8").partition(BEGIN)
    _, _, tail = rest.partition(END)
    with replacing(document, 0o644) as temporary:
        temporary.write_text(f"{head}{BEGIN}\n{table(rows)}{END}{tail}", encoding="utf-8")


if __name__ == "__main__":
    here = Path(__file__).resolve().parent
    publish(read(here / "report.json"), here.parent / "docs" / "reliability.md")
