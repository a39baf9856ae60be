"""Who else publishes on the topics that the guard commands and judges by."""

from collections.abc import Sequence

SHOWN = 8
"""Values of another's command that a fault's cause shows."""


class PublisherInput:
    """The publishers on the robot's command topic, of which the guard must be the only one, and on its inputs.

    A second publisher of commands is a fault in every state, once the guard has been alone: one that was there before
    may be that of a guard which died, and keeps this one from arming until the middleware has forgotten it.
    """

    def __init__(self, topic: str) -> None:
        self._topic = topic
        self._count = 0
        self._alone = False
        self._inputs: dict[str, int] = {}

    def take(self, count: int, armed: bool) -> str | None:
        """Take the number of publishers of commands. Returns what is a fault about it, in words."""
        self._count = count
        self._alone = self._alone or count == 1
        return self.missing() if self.foreign or (armed and count != 1) else None

    @property
    def foreign(self) -> bool:
        """Whether there is another publisher of commands that came while the guard was there."""
        return self._count > 1 and self._alone

    def missing(self) -> str | None:
        """What keeps the guard from arming, in words."""
        if self._count == 1:
            return None
        return f"{self._count} publishers on {self._topic}, there must be one, this guard"

    def command(self, values: Sequence[float]) -> str:
        """What is a fault about a command that the guard did not send, in words."""
        return f"another publisher commands {[round(value, 4) for value in values[:SHOWN]]} on {self._topic}"

    def take_input(self, topic: str, count: int, armed: bool) -> str | None:
        """Take the number of publishers on an input. Returns what is a fault about it: one more while armed."""
        before = self._inputs.get(topic, 0)
        self._inputs[topic] = min(before, count) if armed else count
        if armed and count > max(1, before):
            return f"{count} publishers on {topic} while armed, {before} before"
        return None
