"""Steps on their way to replay: none is lost while replay lags or restarts, and the agent never waits."""

from collections import deque
from collections.abc import Callable

from async_rl_core.spec.step import SINGLE_ACTOR, Step
from async_rl_core.transport.steps import Ack

CAPACITY = 2000
"""Most steps kept while replay takes none: 80 s at 40 ms, about 90 MB at 160x90."""
PER_CYCLE = 8
"""Most steps sent per cycle, so that catching up does not cost a deadline."""


class Outbox:
    """Sends steps in order, and keeps each until replay has acknowledged it.

    A restarted replay process receives every unacknowledged step again. Without `newest_ack`, a step that was sent has
    arrived.

    Args:
        send: sends a step; returns False where it has to be sent again later.
        newest_ack: returns the newest acknowledgement; None without any.
        sent: steps that were sent before this process started, according to the run's records.
        actor: of the steps.

    Attributes:
        sequence: number of the next step to put.
        held: number of the newest steps that are not sent yet; they may be withdrawn.
        lost: steps discarded because the outbox was full.
        withdrawn: steps discarded because they were not confirmed.
    """

    def __init__(
        self,
        send: Callable[[Step], bool],
        newest_ack: Callable[[], Ack | None] | None = None,
        sent: int = 0,
        actor: str = SINGLE_ACTOR,
    ) -> None:
        self.actor = actor
        self._send, self._newest_ack = send, newest_ack
        self._kept: deque[Step] = deque()
        self._in_flight = 0  # number of the oldest kept steps that were sent
        self._store: int | None = None
        self._done = self.sequence = sent
        self.held = self.lost = self.withdrawn = 0

    def __len__(self) -> int:
        """Steps that wait to be sent."""
        return len(self._kept) - self._in_flight - self.held

    @property
    def sent(self) -> int:
        """Steps that were sent, each counted once."""
        return self._done + self._in_flight

    def put(self, step: Step) -> None:
        """Queues a step. A full outbox discards its oldest step, and counts it in `lost` if it was not sent."""
        if len(self._kept) == CAPACITY:
            if self._in_flight == 0:
                self._kept.popleft()
                self.lost += 1
            else:
                self._drop_sent()
        self._kept.append(step)
        self.sequence = step.sequence + 1

    def flush(self, limit: int = PER_CYCLE) -> None:
        """Sends up to `limit` steps, as many as replay takes now."""
        if self._newest_ack is not None:
            self._follow(self._newest_ack())
        for _ in range(limit):
            if len(self) <= 0 or not self._send(self._kept[self._in_flight]):
                return
            self._in_flight += 1
            if self._newest_ack is None:
                self._drop_sent()

    def withdraw(self) -> None:
        """Discards the held steps."""
        for _ in range(min(self.held, len(self._kept) - self._in_flight)):
            self.sequence = self._kept.pop().sequence
            self.withdrawn += 1
        self.held = 0

    def _follow(self, ack: Ack | None) -> None:
        """Drops the acknowledged steps; sends the others again if another replay process acknowledges."""
        if ack is None:
            return
        while self._in_flight > 0 and self._kept[0].sequence <= ack.sequence:
            self._drop_sent()
        if self._store is None and not self._kept:  # replay may have steps of a previous agent that no record shows
            self._done = self.sequence = max(self.sequence, ack.sequence + 1)
        if ack.store != self._store:
            self._store, self._in_flight = ack.store, 0

    def _drop_sent(self) -> None:
        self._kept.popleft()
        self._in_flight -= 1
        self._done += 1
