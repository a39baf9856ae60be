"""Steps from agents to replay, whatever carries them.

Guarantees: every step arrives at least once, as long as the sender lives and its outbox is not full; the steps of one
actor arrive in order; replay acknowledges each actor's steps; a restarted replay process receives every unacknowledged
step again, and discards those that it has. The sender never waits.
"""

from typing import NamedTuple, Protocol

from async_rl_core.spec.step import Step


class Ack(NamedTuple):
    """The steps of one actor that need not be sent again, even if the acknowledging process dies."""

    store: int
    """Tells one replay process from its successors, which have larger numbers."""
    sequence: int
    """The newest acknowledged step; -1: none yet."""


class StepSender(Protocol):
    """The agent's end. There is one per actor."""

    @property
    def actor(self) -> str:
        """The actor of all steps."""

    def newest_ack(self) -> Ack | None:
        """Returns the newest acknowledgement of this actor; None before the first. Never blocks.

        Steps sent later are addressed to the replay process that acknowledged.
        """

    def send(self, step: Step) -> bool:
        """Sends a step; returns False while replay is away or lags: send it again later, in order. Never blocks.

        Keep it until it is acknowledged; send it again, in order, once another replay process acknowledges. Raises
        `ValueError` where the step is another actor's or does not have the agreed sizes.
        """

    def close(self) -> None:
        """Leaves; a second time does nothing."""


class StepReceiver(Protocol):
    """The end of replay: receives from every actor, also from those that join later."""

    @property
    def actors(self) -> list[str]:
        """Actors whose steps are received."""

    @property
    def refused(self) -> dict[str, str]:
        """Actors that cannot be received from, with the reasons."""

    def receive(self) -> Step | None:
        """Returns the next step, whose arrays are the caller's; None without any. Never blocks."""

    def acknowledge(self) -> None:
        """Acknowledges the durable steps of each actor; call it periodically. Never blocks."""

    def close(self) -> None:
        """Leaves; a second time does nothing."""
