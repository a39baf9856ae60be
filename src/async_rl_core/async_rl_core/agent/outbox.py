"""Steps on their way to replay: none is lost while replay lags, and the agent never waits for it."""

from collections import deque
from collections.abc import Callable

from async_rl_core.replay.step import Step

CAPACITY = 2000
"""Steps kept for a replay process that does not take them: 80 s at 40 ms, about 90 MB at 160x90."""
PER_CYCLE = 8
"""Steps sent in one cycle at most, so that catching up does not cost a deadline."""


class Outbox:
    """Hands steps to `send`, in order; one that is refused is kept and offered again."""

    def __init__(self, send: Callable[[Step], bool]) -> None:
        self._send = send
        self._waiting: deque[Step] = deque()
        self.sent = 0
        self.lost = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, step: Step) -> None:
        """Queue a step; the oldest is lost, and counted, when the outbox is full."""
        if len(self._waiting) == CAPACITY:
            self._waiting.popleft()
            self.lost += 1
        self._waiting.append(step)

    def flush(self, limit: int = PER_CYCLE) -> None:
        """Send what replay takes now."""
        for _ in range(limit):
            if not self._waiting or not self._send(self._waiting[0]):
                return
            self._waiting.popleft()
            self.sent += 1
