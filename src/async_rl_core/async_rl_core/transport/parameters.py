"""Policy parameters from the learner to agents, whatever carries them.

Guarantees: the newest wins, older ones may be skipped; versions never go back; no parameters are torn, that is, mixed
from two publications. Neither end waits for the other.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PolicyParameters:
    """One state of the policy."""

    version: int
    updates: int
    """Gradient updates behind them."""
    values: NDArray[np.float32]
    """(size,), read-only: valid until the receiver's next `newest` or `close`."""


class ParameterSender(Protocol):
    """The learner's end."""

    def publish(self, version: int, updates: int, values: NDArray[np.float32]) -> None:
        """Publishes `values` (size,). Never blocks. Raises `ValueError` for another size or type."""

    def refresh(self) -> None:
        """Sends the newest parameters to receivers that joined since; call it periodically."""

    def close(self) -> None:
        """Leaves; a second time does nothing."""


class ParameterReceiver(Protocol):
    """An agent's end."""

    def newest(self) -> PolicyParameters | None:
        """Returns the newest parameters if they are newer than those returned last. Never blocks."""

    def close(self) -> None:
        """Leaves, and invalidates the parameters returned last; a second time does nothing."""
