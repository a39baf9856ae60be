"""The faults of a guard since its start: how many of which kind, the last one, and the longest silence."""

from collections import Counter

from async_rl_core.safety.states import Fault, FaultKind


class FaultLog:
    """Counts faults. A latched fault that a worse one replaces counts, and so does the worse one.

    Attributes:
        counts: faults by kind.
        last: the newest fault, also after it was cleared.
        cleared: faults that the guard itself cleared.
        longest_silence: seconds of the longest silence that was a fault.
    """

    def __init__(self) -> None:
        self.counts: Counter[FaultKind] = Counter()
        self.last: Fault | None = None
        self.cleared = 0
        self.longest_silence = 0.0

    def add(self, fault: Fault) -> None:
        """Count a fault."""
        self.counts[fault.kind] += 1
        self.last = fault
        self.longest_silence = max(self.longest_silence, fault.silence)

    def end_of_silence(self, kind: FaultKind, now: float, silence: float) -> None:
        """Note that after `silence` seconds a message arrived; what counts is a silence that was a fault of `kind`."""
        if self.last is not None and self.last.kind is kind and now - silence < self.last.time:
            self.longest_silence = max(self.longest_silence, silence)
