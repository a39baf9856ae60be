"""Steps on their way to replay: none is lost while replay lags or is replaced, and the agent never waits for it."""

from collections import deque
from collections.abc import Callable
from typing import Protocol

from async_rl_core.spec.step import Step

CAPACITY = 2000
"""Steps kept for a replay process that does not take them: 80 s at 40 ms, about 90 MB at 160x90."""
PER_CYCLE = 8
"""Steps sent in one cycle at most, so that catching up does not cost a deadline."""


class Acknowledged(Protocol):
    """What replay says that it has."""

    @property
    def store(self) -> int:
        """Which replay process says so."""

    @property
    def sequence(self) -> int:
        """The newest step that need not be sent again."""


class Outbox:
    """Hands steps to `send`, in order; one that is refused is kept and offered again.

    With `receipt`, steps that were sent are kept too, until a receipt covers them: a replay process that takes
    another's place gets anew what that one took along. Without, what was sent has arrived. `sent` steps of the run
    were so before this process began, as far as its records tell; replay may have more.

    Attributes:
        sequence: number of the next step to put.
        held: so many of the newest steps are not sent yet; they may be withdrawn.
        lost: steps that replay will not get.
        withdrawn: steps that it was not to get.
    """

    def __init__(
        self, send: Callable[[Step], bool], receipt: Callable[[], Acknowledged | None] | None = None, sent: int = 0
    ) -> None:
        self._send, self._receipt = send, receipt
        self._kept: deque[Step] = deque()
        self._ahead = 0  # of those kept, the first so many were sent
        self._store: int | None = None
        self._done = self.sequence = sent
        self.held = self.lost = self.withdrawn = 0

    def __len__(self) -> int:
        """Steps that wait to be sent."""
        return len(self._kept) - self._ahead - self.held

    @property
    def sent(self) -> int:
        """Steps that were sent, each counted once."""
        return self._done + self._ahead

    def put(self, step: Step) -> None:
        """Queue a step. In a full outbox the oldest makes room; one that was not sent is lost, and counted."""
        if len(self._kept) == CAPACITY:
            if self._ahead == 0:
                self._kept.popleft()
                self.lost += 1
            else:
                self._drop_sent()
        self._kept.append(step)
        self.sequence = step.sequence + 1

    def flush(self, limit: int = PER_CYCLE) -> None:
        """Send what replay takes now."""
        if self._receipt is not None:
            self._follow(self._receipt())
        for _ in range(limit):
            if len(self) <= 0 or not self._send(self._kept[self._ahead]):
                return
            self._ahead += 1
            if self._receipt is None:
                self._drop_sent()

    def withdraw(self) -> None:
        """Forget the steps that are held."""
        for _ in range(min(self.held, len(self._kept) - self._ahead)):
            self.sequence = self._kept.pop().sequence
            self.withdrawn += 1
        self.held = 0

    def _follow(self, receipt: Acknowledged | None) -> None:
        """Drop what arrived; begin again with the rest where another process asks for it."""
        if receipt is None:
            return
        while self._ahead > 0 and self._kept[0].sequence <= receipt.sequence:
            self._drop_sent()
        if self._store is None and not self._kept:  # of an agent before this one replay may have unrecorded steps
            self._done = self.sequence = max(self.sequence, receipt.sequence + 1)
        if receipt.store != self._store:
            self._store, self._ahead = receipt.store, 0

    def _drop_sent(self) -> None:
        self._kept.popleft()
        self._ahead -= 1
        self._done += 1
