"""The publishers on the topics that the guard commands and judges by."""

from collections.abc import Sequence

SHOWN = 8
"""Values of a foreign command that a fault's cause shows."""


class PublisherInput:
    """Counts the publishers on the robot's command topic, where the guard must be the only one, and on its inputs.

    A second publisher of commands is a fault in every state, once the guard was the only one. One that was there
    before may belong to a guard that died; it only prevents arming until the middleware has forgotten it.
    """

    def __init__(self, topic: str) -> None:
        self._topic = topic
        self._count = 0
        self._was_alone = False
        self._inputs: dict[str, int] = {}

    def take(self, count: int, armed: bool) -> str | None:
        """Stores the number of publishers of commands. Returns the cause of a fault, or None."""
        self._count = count
        self._was_alone = self._was_alone or count == 1
        return self.missing() if self.foreign or (armed and count != 1) else None

    @property
    def foreign(self) -> bool:
        """Whether another publisher of commands appeared while the guard was running."""
        return self._count > 1 and self._was_alone

    def missing(self) -> str | None:
        """Returns the reason why the guard may not arm, or None."""
        if self._count == 1:
            return None
        return f"{self._count} publishers on {self._topic}, there must be one, this guard"

    def foreign_command(self, values: Sequence[float]) -> str:
        """Returns the cause of the fault for a command that the guard did not send."""
        return f"another publisher commands {[round(value, 4) for value in values[:SHOWN]]} on {self._topic}"

    def take_input(self, topic: str, count: int, armed: bool) -> str | None:
        """Stores the number of publishers on an input. Returns the cause of a fault: a further one while armed."""
        before = self._inputs.get(topic, 0)
        self._inputs[topic] = min(before, count) if armed else count
        if armed and count > max(1, before):
            return f"{count} publishers on {topic} while armed, {before} before"
        return None
