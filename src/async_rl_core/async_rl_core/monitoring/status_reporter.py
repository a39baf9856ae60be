"""Terminal lines about guard, agent and learner, each printed once."""

from async_rl_core.run_folder.summary import TimingCounts

DISARMED, ARMED, STOPPING, FAULT = range(4)
"""As in the message GuardState."""
WAITING_STEPS = 100
"""Unacknowledged steps at the agent from which replay counts as stuck."""
SILENCE = 10.0
"""Seconds without a message until the learner counts as stuck; it sends one each second and after each update."""


class StatusReporter:
    """Turns changes of guard, agent and learner into sentences.

    Args:
        missed: missed action cycles that were reported before.

    Attributes:
        learner_silent: the learner sends no messages.
    """

    def __init__(self, missed: int = 0) -> None:
        self._guard: tuple[int, str] | None = None
        self._refused = 0
        self._waiting = False
        self._missed = missed
        self._learner_heard: float | None = None
        self.learner_silent = False

    def on_learner(self, now: float) -> list[str]:
        """Takes a message of the learner at `now` (steady clock, s); returns lines to print."""
        self._learner_heard = now
        silent, self.learner_silent = self.learner_silent, False
        return ["the learner sends messages again"] if silent else []

    def check_learner(self, now: float) -> list[str]:
        """Returns a warning if the learner has become silent."""
        if self.learner_silent or self._learner_heard is None or now - self._learner_heard < SILENCE:
            return []
        self.learner_silent = True
        return [f"warning: no message from the learner for {SILENCE:.0f} s; the agent keeps its policy"]

    def on_guard(self, state: int, cause: str, refused: int) -> list[str]:
        """Takes the guard's state, the cause of its fault and its count of refused commands; returns lines to print."""
        lines = []
        if (state, cause) != self._guard:
            previous = self._guard
            self._guard = (state, cause)
            lines.append(_guard_sentence(state, cause, previous))
        if refused > self._refused:
            lines.append(f"warning: the safety guard refused {_number(refused - self._refused, 'command')}")
        self._refused = refused
        return [line for line in lines if line]

    def on_timing(self, counts: TimingCounts) -> list[str]:
        """Takes the agent's counts; returns lines to print."""
        lines = []
        if counts.missed_cycles > self._missed:
            cycles = _number(counts.missed_cycles - self._missed, "action cycle")
            lines.append(f"warning: {cycles} without a command; {counts.missed_cycles} of {counts.cycles} so far")
        self._missed = counts.missed_cycles
        waiting = counts.steps_waiting >= WAITING_STEPS
        if waiting and not self._waiting:
            lines.append(f"warning: replay acknowledges no steps; {counts.steps_waiting} wait at the agent")
        if self._waiting and not waiting:
            lines.append("replay acknowledges steps again")
        self._waiting = waiting
        return lines


def _guard_sentence(state: int, cause: str, previous: tuple[int, str] | None) -> str:
    if state == FAULT:
        return f"FAULT: the safety guard stopped the arm: {cause}"
    if state == STOPPING:
        return "the safety guard is bringing the arm to rest"
    if state == ARMED:
        return "the safety guard is armed: the arm may move"
    return "the safety guard is disarmed: the arm holds still" if previous is not None else ""


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
