"""Report of a campaign: one row per promise, as JSON and as a table.

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
"""Content of `required` in a row whose measurement failed."""
FEW = 5
"""Maximum number of mutations that a table cell lists one by one."""
BEGIN, END = "<!-- the table begins -->", "<!-- the table ends -->"


@dataclass(frozen=True)
class Mutation:
    """A removed protection, and whether the measurement noticed."""

    protection: str
    noticed: bool
    how: str


@dataclass(frozen=True)
class Row:
    """A promise and its measurement."""

    number: int
    promise: str
    required: str
    measured: str
    repeats: int
    met: bool
    mutations: tuple[Mutation, ...] = field(default=())
    conditions: str = ""
    """Date and machine."""
    halted: float = 0.0
    """Longest halt of the machine meanwhile in milliseconds, by `HaltMonitor`."""
    late: float | None = None
    """Lateness in ms that halts alone cause, at the 99.9th percentile; None if not measured."""
    form: str = ""
    """Form of the campaign that measured it: `short` or `long`."""
    skipped: str = ""
    """Reason why it could not be measured here; empty if it was."""

    @property
    def broke_down(self) -> bool:
        """True if the measurement failed, so that the row holds only an error."""
        return self.required == A_MEASUREMENT

    @property
    def broken(self) -> bool:
        """True if the promise is broken, or a removed protection was not noticed."""
        return not self.skipped and not (self.met and all(mutation.noticed for mutation in self.mutations))


def write(path: Path, rows: Sequence[Row]) -> None:
    """Writes the rows as JSON, atomically."""
    with replacing(path, 0o644) as temporary:
        temporary.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n", encoding="utf-8")


def read(path: Path) -> list[Row]:
    """Returns the rows of an earlier campaign; empty if there is no file."""
    if not path.exists():
        return []
    rows = json.loads(path.read_text(encoding="utf-8"))
    return [Row(**(row | {"mutations": tuple(Mutation(**m) for m in row["mutations"])})) for row in rows]


def merged(old: Sequence[Row], new: Sequence[Row]) -> list[Row]:
    """Returns old rows updated by new rows of the same promise, without old failed measurements."""
    kept = {(row.number, row.promise): row for row in (*(row for row in old if not row.broke_down), *new)}
    return [kept[key] for key in sorted(kept)]


def table(rows: Sequence[Row]) -> str:
    """Returns a Markdown table."""
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
    """Returns each mutation as text, or for many their number and those not noticed."""
    missed = [mutation.protection for mutation in mutations if not mutation.noticed]
    if len(mutations) > FEW:
        return f"{len(mutations) - len(missed)} of {len(mutations)} noticed" + f"; NOT: {', '.join(missed)}" * bool(
            missed
        )
    return "; ".join(f"{m.protection}: {'noticed' if m.noticed else 'NOT NOTICED'}" for m in mutations)


def conditions() -> str:
    """Returns the date and the machine as text."""
    model = platform.machine()
    with contextlib.suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        model = next(line.partition(": ")[2] for line in lines if line.startswith("model name"))
    return f"{date.today()}, {len(os.sched_getaffinity(0))} cores of {model}, Linux {platform.release()}"


def publish(rows: Sequence[Row], document: Path) -> None:
    """Writes the table into a document, between its two marks."""
    head, _, rest = document.read_text(encoding="utf-8").partition(BEGIN)
    _, _, tail = rest.partition(END)
    with replacing(document, 0o644) as temporary:
        temporary.write_text(f"{head}{BEGIN}\n{table(rows)}{END}{tail}", encoding="utf-8")


if __name__ == "__main__":
    here = Path(__file__).resolve().parent
    publish(read(here / "report.json"), here.parent / "docs" / "reliability.md")
