"""The guard's fault: the latched one, and the count of all."""

from collections import Counter

from async_rl_core.safety.halt_log import HaltLog
from async_rl_core.safety.states import Fault, FaultKind

CLEARING = 2.0
"""Seconds within which the guard clears a timing fault itself, provided that it sees the arm at rest."""


class FaultLatch:
    """Latches the worst fault and counts every fault, also one that a worse fault replaces.

    Args:
        halts: late cycles of the guard's own loop, which explain a part of a silence.
        clears_timing_faults: whether the guard may clear faults of timing itself.

    Attributes:
        current: the latched fault, or None.
        counts: faults by kind since the start.
        last: the newest fault, also after it was cleared.
        cleared: number of faults that the guard cleared itself.
        longest_silence: seconds of the longest silence that was a fault.
    """

    def __init__(self, halts: HaltLog, clears_timing_faults: bool) -> None:
        self.current: Fault | None = None
        self.clears_timing_faults = clears_timing_faults
        self.counts: Counter[FaultKind] = Counter()
        self.last: Fault | None = None
        self.cleared = 0
        self.longest_silence = 0.0
        self._halts = halts

    def latch(self, kind: FaultKind, cause: str, now: float, silence: float = 0.0) -> None:
        """Latches a fault unless a worse one is latched. `silence`: seconds without a message, for a timing fault."""
        made_of = self._halts.explain(now - silence, now) if silence else ""
        fault = Fault(kind, f"{cause}, of which {made_of}" if made_of else cause, now, silence, made_of)
        if self._is_worst(fault):
            self.current = self.last = fault
            self.counts[kind] += 1
            self.longest_silence = max(self.longest_silence, silence)

    def clear(self) -> None:
        """Clears the fault on a person's request."""
        self.current = None

    def clear_itself(self) -> None:
        """Clears a timing fault on the guard's own decision."""
        self.current = None
        self.cleared += 1

    @property
    def is_self_clearing(self) -> bool:
        """Whether there is a fault that the guard may clear itself."""
        return self.clears_timing_faults and self.current is not None and self.current.of_timing

    def needs_person(self, now: float) -> bool:
        """Returns whether a person has to clear the fault, or the guard failed to clear it within `CLEARING`."""
        fault = self.current
        return fault is not None and (not self.is_self_clearing or now - fault.time > CLEARING)

    def end_of_silence(self, kind: FaultKind, now: float, silence: float) -> None:
        """Updates `longest_silence` after a silence of `silence` seconds that was a fault."""
        if self.last is not None and self.last.kind is kind and now - silence < self.last.time:
            self.longest_silence = max(self.longest_silence, silence)

    def _is_worst(self, fault: Fault) -> bool:
        return self.current is None or fault.rank > self.current.rank
