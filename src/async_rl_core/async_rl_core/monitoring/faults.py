"""Faults of the safety guard: terminal lines, and counts for summary.json."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from async_rl_core.safety.states import FaultKind

FAULT = 3
"""As in the message GuardState."""
REMINDER = 10.0
"""Seconds between two reminders of a latched fault."""
CLEARING = 2.0
"""Seconds within which the guard clears a fault of timing, if nothing else is wrong."""
QUIET = 5.0
"""Seconds within which the guard arms itself after it cleared a fault."""
KINDS = tuple(kind.name.lower() for kind in FaultKind)
_LATE = {
    "agent_silent": "no command",
    "robot_silent": "no joint states",
    "halted": "the safety guard did not run",
}
_PREFIX = "faults_"
_STARTED = "guard_started_ns"


@dataclass(frozen=True)
class FaultReport:
    """The guard's report on its faults.

    Attributes:
        state: of the guard, as in the message GuardState.
        started: wall-clock time in ns at which the guard started; counts begin there.
        counts: faults by kind.
        cleared: number of faults that the guard cleared itself.
        longest_silence: duration in s of the longest silence that caused a fault.
        kind: of the newest fault; empty if there was none.
        cause: of the newest fault, in words.
        silence: duration in s of the newest fault's silence; 0 if it is not a fault of timing.
        made_of: what the computer did during that silence, in words.
        clears: whether the guard clears faults of timing itself.
    """

    state: int
    started: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    cleared: int = 0
    longest_silence: float = 0.0
    kind: str = ""
    cause: str = ""
    silence: float = 0.0
    made_of: str = ""
    clears: bool = False

    @property
    def clears_itself(self) -> bool:
        """True if the guard clears the newest fault itself."""
        return self.clears and self.silence > 0.0


class FaultWatch:
    """Reports faults, reminds of a latched one, and counts faults over restarts and resumes.

    Args:
        figures: earlier output of `figures` for this run.
        remedy: the command that a person types after a fault.
    """

    def __init__(self, figures: Mapping[str, Any], remedy: str) -> None:
        self._remedy = remedy
        self._known_start = _integer(figures, _STARTED)
        self._known: Counter[str] = Counter({kind: _integer(figures, _PREFIX + kind) for kind in KINDS})
        self._known_cleared = _integer(figures, "faults_cleared")
        self._known_silence = 1e-3 * _number(figures, "longest_silence_ms")
        self._before: Counter[str] = Counter()
        self._cleared_before = 0
        self._report = FaultReport(0)
        self._cleared_told: int | None = None
        self._since: float | None = None
        self._quiet_until = 0.0
        self._next_reminder = 0.0

    @property
    def total(self) -> int:
        """Number of faults in the run."""
        return self._counts().total()

    @property
    def is_latched(self) -> bool:
        """True if a fault is latched."""
        return self._report.state == FAULT

    def update(self, report: FaultReport, now: float, episode: int) -> list[str]:
        """Takes the guard's report at `now` (steady clock, s) in an episode; returns lines to print."""
        if report.started != self._report.started:
            self._begin(report)
        self._report = report
        lines = []
        if self._cleared_told is None:
            self._cleared_told = report.cleared
        if report.cleared > self._cleared_told:
            self._cleared_told = report.cleared
            self._quiet_until = now + QUIET
            lines.append(self._cleared_line(episode))
        if not self.is_latched:
            self._since = None
        elif self._since is None:
            self._since = now
            self._next_reminder = now + REMINDER
        return lines

    def is_explained(self, now: float) -> bool:
        """Returns whether `update` has explained the guard's state: a fault is being cleared or just was."""
        if self._since is None:
            return now < self._quiet_until
        return self._report.clears_itself and now - self._since < CLEARING

    def reminders(self, now: float, bar: str) -> list[str]:
        """Returns the reminder of a latched fault, if due; `bar` shows the progress of the run."""
        if self._since is None or now < self._next_reminder:
            return []
        self._next_reminder = now + REMINDER
        lasts = (
            f"nothing is learned for {now - self._since:.0f} s: the safety guard stopped the arm: {self._report.cause}"
        )
        if self._report.clears_itself:
            remedy = "it continues by itself once the arm is at rest and joint states arrive"
        else:
            remedy = f"find the reason, then type in another terminal: {self._remedy}"
        return [f"FAULT: {lasts}; {remedy}{bar}"]

    def figures(self) -> dict[str, object]:
        """Returns the figures for summary.json."""
        counts = self._counts()
        return {
            "faults": counts.total(),
            **{_PREFIX + kind: counts[kind] for kind in KINDS},
            "faults_cleared": self._cleared_before + self._report.cleared,
            "longest_silence_ms": 1e3 * max(self._known_silence, self._report.longest_silence),
            "fault_at_the_end": self._report.cause if self.is_latched else None,
            _STARTED: self._report.started or self._known_start,
        }

    def _begin(self, report: FaultReport) -> None:
        """Adds the counts of the previous guard process when a new one reports."""
        if report.started != self._known_start:
            self._before, self._cleared_before = self._known, self._known_cleared
        self._cleared_told = None if report.started == self._known_start else 0

    def _counts(self) -> Counter[str]:
        if not self._report.started:
            return self._known
        return Counter({kind: self._before[kind] + self._report.counts.get(kind, 0) for kind in KINDS})

    def _cleared_line(self, episode: int) -> str:
        report = self._report
        what = _LATE.get(report.kind, report.kind)
        made_of = f" ({report.made_of})" if report.made_of else ""
        return (
            f"the computer was busy: {what} for {1000 * report.silence:.0f} ms{made_of}; the arm stopped, "
            f"episode {episode} is left out, learning goes on (fault {self.total} of this run)"
        )


def _integer(figures: Mapping[str, Any], name: str) -> int:
    value = figures.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0


def _number(figures: Mapping[str, Any], name: str) -> float:
    value = figures.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0 else 0.0
