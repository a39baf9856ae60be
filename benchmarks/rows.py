"""Result of a measurement with its target, reference and limit."""

import json
import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import torch

from async_rl_core.atomic_file import replacing
from benchmarks.cases import TARGETS, YARDSTICK, Target
from benchmarks.timing import CORES, Times

RESULTS = Path(__file__).parent / "results"
LATEST = RESULTS / "latest.json"
MACHINE = RESULTS / "machine.json"
_DIGITS = 4


@dataclass(frozen=True)
class Row:
    """One line of the table, in milliseconds; the row `memory` is in gigabytes."""

    name: str
    case: str
    value: float
    """Median, or gigabytes."""
    reference: float
    """Time of the reference with our allocator setting."""
    limit: float
    """Limit of the machine."""
    p99: float | None = None
    """99th percentile; None if nothing was timed."""
    notes: dict[str, float | int | str] = field(default_factory=dict)
    """Further figures and conditions."""
    yardstick: float | None = None
    """Milliseconds of the encoder forward and backward on this machine, to scale targets."""

    @property
    def unit(self) -> str:
        """Unit: GB or ms."""
        return "GB" if self.name == "memory" else "ms"

    @property
    def met(self) -> bool | None:
        """True if the targets are met; None if there are none."""
        return self._meets(self.target)

    @property
    def target(self) -> Target | None:
        """Target of the row, if any."""
        return TARGETS.get((self.name, self.case))

    @property
    def target_here(self) -> Target | None:
        """Target scaled to the encoder's speed on this machine."""
        if self.target is None or self.yardstick is None:
            return None
        return Target(self.target.median * self.yardstick / YARDSTICK[self.name, self.case])

    def _meets(self, target: Target | None) -> bool | None:
        if target is None:
            return None
        within = target.p99 is None or (self.p99 is not None and self.p99 <= target.p99)
        return self.value <= target.median and within

    def document(self) -> dict[str, object]:
        """Returns the row as in latest.json."""
        timed = {"median_ms": self.value, "p99_ms": self.p99} if self.unit == "ms" else {"gigabytes": self.value}
        document = {
            "name": self.name,
            "case": self.case,
            **timed,
            "reference": self.reference,
            "limit": self.limit,
            "target": asdict(self.target) if self.target else None,
            "met": self.met,
            "target_here": self.target_here.median if self.target_here else None,
            "met_here": self._meets(self.target_here),
            **self.notes,
        }
        return {key: round(v, _DIGITS) if isinstance(v, float) else v for key, v in document.items()}

    def line(self) -> str:
        """Returns the row as printed."""
        target, here = self.target, self.target_here
        p99 = f"{self.p99:.2f}" if self.p99 is not None else ""
        wanted = "" if target is None else f"{target.median:g}" + (f" / {target.p99:g}" if target.p99 else "")
        verdict = {True: "met", False: "NOT MET", None: ""}[self.met]
        if here and not self.met:
            verdict += f"; at this machine's speed {here.median:.0f}, {'met' if self._meets(here) else 'NOT MET'}"
        figures = f"{self.value:10.2f}{p99:>10}{self.reference:12.2f}{self.limit:10.2f}{wanted:>12}"
        return f"{self.name:16}{self.case:14}{self.unit:4}{figures}  {verdict}"


HEADER = f"{'':34}{'median':>10}{'p99':>10}{'reference':>12}{'limit':>10}{'target':>12}"


def timed(
    name: str,
    case: str,
    times: Times,
    reference: float,
    limit: float,
    yardstick: float | None = None,
    **notes: float | int | str,
) -> Row:
    """Returns a row of milliseconds."""
    return Row(name, case, times.median, reference, limit, times.p99, notes, yardstick)


def machine(rows: Sequence[Row], load: float, seconds: float) -> dict[str, object]:
    """Returns facts about the machine for machine.json: its `load` before the run, the run's `seconds`."""
    return {
        "cpu": _cpu(),
        "cores": CORES,
        "memory_gb": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9, 1),
        "system": f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
        "torch": torch.__version__,
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "load_before": round(load, 2),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(seconds),
        "targets_met": sum(row.met is True for row in rows),
        "targets_missed": sum(row.met is False for row in rows),
    }


def _cpu() -> str:
    fields = dict(
        line.split(":", 1) for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").split("\n\n")[0].splitlines()
    )
    return " ".join(value for key, value in ((k.strip(), v.strip()) for k, v in fields.items()) if key == "model name")


def write(path: Path, document: object) -> None:
    """Writes JSON atomically."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(document, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def documents(rows: Iterable[Row]) -> list[dict[str, object]]:
    """Returns the content of latest.json."""
    return [row.document() for row in rows]
