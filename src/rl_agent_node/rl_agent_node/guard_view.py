"""What the agent knows of the safety guard, and what it says of a silence that the guard noticed."""

from async_rl_core.agent.command_gaps import GapMeter
from async_rl_interfaces.msg import GuardState

AGENT_SILENT = "agent_silent"
"""As in the message GuardState."""
CLEARING = 2.0
"""Seconds in which the guard clears a fault of timing, if it may; an older fault waits for a person."""


class GuardView:
    """The guard's newest state.

    Attributes:
        armed: whether it follows commands.
        heard: when its state came, in seconds of the steady clock.
    """

    def __init__(self) -> None:
        self.armed = False
        self.heard = 0.0
        self._faulted_since: float | None = None
        self._faults: int | None = None
        self._silence = 0.0

    def hear(self, message: GuardState, now: float) -> bool:
        """Take in a state. Returns whether there was a fault since the last, be it over by now."""
        self.armed, self.heard = message.state == GuardState.ARMED, now
        if message.state != GuardState.FAULT:
            self._faulted_since = None
        elif self._faulted_since is None:
            self._faulted_since = now
        faults = sum(message.fault_count)
        new = self._faults is not None and faults != self._faults
        self._faults = faults
        if new and message.last_kind == AGENT_SILENT:
            self._silence = message.last_silence
        return new

    def fault_stands(self, now: float) -> bool:
        """Whether a fault waits for a person."""
        return self._faulted_since is not None and now - self._faulted_since > CLEARING

    def explanation(self, gaps: GapMeter) -> str:
        """After the guard noticed a silence, once: what it was made of on this side; what is more came on the way."""
        if not self._silence:
            return ""
        silence, self._silence = self._silence, 0.0
        here = max(gaps.last, gaps.before, key=lambda gap: gap.seconds)
        return f"the guard heard no command for {1000 * silence:.0f} ms; the gap between commands here was {here}"
