"""Whether guard and target still report what the agent depends on."""

from dataclasses import dataclass

from async_rl_core.agent.command_gaps import GapMeter
from async_rl_core.realtime.clock import Clock

GUARD_TIMEOUT = 2.5
"""Seconds after which a silent guard, which repeats its state every second, counts as not armed."""
TARGET_TIMEOUT = 2.5
"""Seconds after which a silent target, which is reported every second at least, counts as gone."""
CLEARING_TIME = 2.0
"""Seconds in which the guard clears a timing fault, if it may; an older fault waits for a person."""


@dataclass(frozen=True, slots=True)
class GuardReport:
    """A state of the safety guard, as far as it concerns the agent."""

    armed: bool
    faulted: bool
    faults: int
    """Number of faults since the guard's start."""
    silence: float = 0.0
    """Seconds without a command, where that caused the newest fault; else 0."""


class GuardLiveness:
    """The newest state of the safety guard.

    Attributes:
        armed: whether the guard follows commands, by its newest report.
    """

    def __init__(self, clock: Clock) -> None:
        self.armed = False
        self._clock = clock
        self._heard = 0.0
        self._faulted_since: float | None = None
        self._faults: int | None = None
        self._silence = 0.0

    def hear(self, report: GuardReport) -> bool:
        """Takes a report. Returns whether there was a fault since the previous one, even if it is cleared by now."""
        now = self._clock.now()
        self.armed, self._heard = report.armed, now
        if not report.faulted:
            self._faulted_since = None
        elif self._faulted_since is None:
            self._faulted_since = now
        new = self._faults is not None and report.faults != self._faults
        self._faults = report.faults
        if new and report.silence:
            self._silence = report.silence
        return new

    @property
    def follows(self) -> bool:
        """Whether the guard is armed and its newest report is not stale."""
        return self.armed and self._clock.now() - self._heard < GUARD_TIMEOUT

    @property
    def fault_stands(self) -> bool:
        """Whether a fault waits for a person."""
        return self._faulted_since is not None and self._clock.now() - self._faulted_since > CLEARING_TIME

    def explanation(self, gaps: GapMeter) -> str:
        """Returns, once after a fault by silence, what the gap between commands consisted of in this process."""
        if not self._silence:
            return ""
        silence, self._silence = self._silence, 0.0
        here = max(gaps.last, gaps.before, key=lambda gap: gap.seconds)
        return f"the guard heard no command for {1000 * silence:.0f} ms; the gap between commands here was {here}"


class TargetLiveness:
    """The newest report of the target."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._episode = 0
        self._heard = 0.0

    def hear(self, episode: int) -> None:
        """Takes a report that the target of `episode` is shown."""
        self._episode, self._heard = episode, self._clock.now()

    def shows(self, episode: int) -> bool:
        """Returns whether the target of `episode` is shown, by a report that is not stale."""
        return self._episode == episode and self._clock.now() - self._heard < TARGET_TIMEOUT


class Liveness:
    """Guard and target, of which the arm waits for the one that is silent."""

    def __init__(self, clock: Clock) -> None:
        self.guard, self.target = GuardLiveness(clock), TargetLiveness(clock)

    def blocked_by(self, running: int | None) -> str:
        """Returns what the arm waits for, empty where nothing. `running` is the number of the episode that runs."""
        if not self.guard.follows:
            return "the guard to be armed"
        if running is not None and not self.target.shows(running):
            return "visual_target_node to show the target"
        return ""
