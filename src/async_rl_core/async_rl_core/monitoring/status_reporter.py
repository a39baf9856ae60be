"""Faults and warnings in clear words, each once."""

from async_rl_core.run_folder.summary import TimingCounts

DISARMED, ARMED, STOPPING, FAULT = range(4)
"""As in the message GuardState."""
WAITING_STEPS = 100
"""Steps held back by the agent from which replay counts as stuck."""


SILENCE = 10.0
"""Seconds without a word, of which the learner has one each second and after each update, until it counts as stuck."""


class StatusReporter:
    """Turns the states of the guard and of the agent into sentences, when they change.

    `missed` action cycles of the run are known already. `learner_silent`: the learner says nothing any more.
    """

    def __init__(self, missed: int = 0) -> None:
        self._guard: tuple[int, str] | None = None
        self._refused = 0
        self._waiting = False
        self._missed = missed
        self._learner_heard: float | None = None
        self.learner_silent = False

    def learner(self, now: float) -> list[str]:
        """What to say where the learner has just spoken; `now` in seconds of a steady clock."""
        self._learner_heard = now
        silent, self.learner_silent = self.learner_silent, False
        return ["the learner speaks again"] if silent else []

    def silence(self, now: float) -> list[str]:
        """What to say about a learner that says nothing."""
        if self.learner_silent or self._learner_heard is None or now - self._learner_heard < SILENCE:
            return []
        self.learner_silent = True
        return [f"warning: the learner has said nothing for {SILENCE:.0f} s; the agent acts with what it has"]

    def guard(self, state: int, cause: str, refused: int) -> list[str]:
        """What to say about the guard's state, its fault's cause and its count of refused commands."""
        lines = []
        if (state, cause) != self._guard:
            previous = self._guard
            self._guard = (state, cause)
            lines.append(_guard_sentence(state, cause, previous))
        if refused > self._refused:
            lines.append(f"warning: the safety guard refused {_number(refused - self._refused, 'command')}")
        self._refused = refused
        return [line for line in lines if line]

    def timing(self, counts: TimingCounts) -> list[str]:
        """What to say about the agent's counts."""
        lines = []
        if counts.missed_cycles > self._missed:
            cycles = _number(counts.missed_cycles - self._missed, "action cycle")
            lines.append(
                f"warning: {cycles} went by without a command; {counts.missed_cycles} of {counts.cycles} so far"
            )
        self._missed = counts.missed_cycles
        waiting = counts.steps_waiting >= WAITING_STEPS
        if waiting and not self._waiting:
            lines.append(f"warning: replay takes no steps; the agent holds {counts.steps_waiting} of them back")
        if self._waiting and not waiting:
            lines.append("replay takes steps again")
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
