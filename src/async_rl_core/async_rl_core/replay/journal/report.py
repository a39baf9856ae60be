"""Faults of a replay journal, in numbers."""

from dataclasses import dataclass, field
from pathlib import Path

from async_rl_core.spec.step import SINGLE_ACTOR

NAMED = 5
"""Most gaps that are named one by one."""


@dataclass
class JournalReport:
    """Findings of `read_entries` in the journal of one actor; complete once all entries were taken."""

    actor: str = SINGLE_ACTOR
    whole: int = 0
    """Steps that were read."""
    refused: int = 0
    """Steps left out because they hold values that are not finite."""
    first: int = -1
    newest: int = -1
    """Numbers of the first and of the newest step, those left out included; -1 without any."""
    missing: list[tuple[int, int]] = field(default_factory=list)
    """First and last number of each row of steps that are not there, between others that are."""
    damaged: dict[Path, int] = field(default_factory=dict)
    """Bytes that cannot be read any more, by segment."""

    @property
    def steps_missing(self) -> int:
        """Steps that are not there although newer ones are."""
        return sum(last - first + 1 for first, last in self.missing)

    def damage(self) -> list[str]:
        """Returns a line for each damaged segment."""
        return [
            f"replay journal: {nbytes} bytes of {path.name} are damaged; the whole steps around them are read"
            for path, nbytes in self.damaged.items()
        ]

    def lines(self) -> list[str]:
        """Returns a line for each fault; none for a journal without."""
        lines = self.damage()
        if self.missing:
            rows = [f"{first} to {last}" if last > first else str(first) for first, last in self.missing]
            more = f" and {len(rows) - NAMED} more rows" if len(rows) > NAMED else ""
            lines.append(
                f"replay journal: {self.steps_missing} of {self.whole + self.steps_missing} steps are missing "
                f"(numbers {', '.join(rows[:NAMED])}{more}): damaged, or their segment is not there"
            )
        if self.refused:
            lines.append(f"replay journal: {self.refused} steps hold values that are not finite; they are left out")
        return lines
