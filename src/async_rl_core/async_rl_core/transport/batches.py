"""Mini-batches from replay to the learner, whatever carries them.

Guarantees: mini-batches arrive whole, in the order of the requests, and each once. A request that the rate limiter
does not permit yet waits without cost to anyone else. Requests to a replay process that died are repeated to its
successor; the TD errors that they carried are discarded, since the numbers of transitions are another store's.
"""

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from async_rl_core.spec.batch import Batch


class BatchSource(Protocol):
    """The learner's end."""

    def receive(self, timeout: float) -> Batch | None:
        """Returns the next mini-batch, or None after `timeout` seconds. It is valid until the next call."""

    def reprioritise(self, index: NDArray[np.uint64], td_error: NDArray[np.float32]) -> None:
        """Sends the TD errors (B,) of the transitions `index` (B,) with the next request."""

    def close(self) -> None:
        """Leaves, and invalidates the last mini-batch; a second time does nothing."""


class BatchSink(Protocol):
    """The end of replay."""

    @property
    def waiting(self) -> int:
        """Requests that wait for a mini-batch."""

    def serve(self, fill: Callable[[Batch], None]) -> bool:
        """Answers the oldest request with a mini-batch that `fill` writes; returns False without a request."""

    def close(self) -> None:
        """Leaves; a second time does nothing."""
