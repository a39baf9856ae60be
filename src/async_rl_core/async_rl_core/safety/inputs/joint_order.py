"""The order of the joints in a message."""

from collections.abc import Sequence

SHOWN = 16
"""Names of a message that an error shows."""


class JointOrder:
    """Finds each joint in messages that name their values.

    Senders keep their order, so the order of the last message is compared first.

    Args:
        joints: in command order.
        others: whether a message may name other joints as well.

    Attributes:
        index: position of each joint in the last message that `read` accepted, in command order.
    """

    def __init__(self, joints: Sequence[str], others: bool = False) -> None:
        self.index = list(range(len(joints)))
        self._joints = list(joints)
        self._others = others
        self._names = list(joints)

    def is_foreign(self, names: Sequence[str]) -> bool:
        """Returns whether a message names none of the joints."""
        return list(names) != self._names and not any(joint in names for joint in self._joints)

    def read(self, names: Sequence[str], values: int) -> str | None:
        """Sets `index` for a message with `names` and this number of values. Returns the error, or None."""
        if len(names) != values:
            return f"has {values} values for {len(names)} names"
        if list(names) == self._names:
            return None
        if missing := [joint for joint in self._joints if joint not in names]:
            return f"lacks {missing}"
        if len(set(names)) != len(names) or (len(names) != len(self._joints) and not self._others):
            return f"names {list(names)[:SHOWN]}, expected {self._joints}"
        self._names = list(names)
        self.index = [self._names.index(joint) for joint in self._joints]
        return None
