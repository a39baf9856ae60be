"""The guard's states, and the one table of how it goes from one to another."""

from dataclasses import dataclass
from enum import Enum, IntEnum


class State(IntEnum):
    """Numbered as in the message GuardState."""

    DISARMED = 0
    """At rest; commands are checked and not followed."""
    ARMED = 1
    """Commands are followed inside the limits."""
    STOPPING = 2
    """On the way to rest after a disarming."""
    FAULT = 3
    """On the way to rest, or there, until a person clears the fault."""


class Event(Enum):
    """What may happen to a guard."""

    ARM = "arm"
    DISARM = "disarm"
    REST = "rest"
    FAIL = "fail"
    RESET = "reset"


TRANSITIONS: dict[tuple[State, Event], State] = {
    (State.DISARMED, Event.ARM): State.ARMED,
    (State.DISARMED, Event.DISARM): State.DISARMED,
    (State.DISARMED, Event.FAIL): State.FAULT,
    (State.ARMED, Event.DISARM): State.STOPPING,
    (State.ARMED, Event.FAIL): State.FAULT,
    (State.STOPPING, Event.DISARM): State.STOPPING,
    (State.STOPPING, Event.REST): State.DISARMED,
    (State.STOPPING, Event.FAIL): State.FAULT,
    (State.FAULT, Event.DISARM): State.FAULT,
    (State.FAULT, Event.FAIL): State.FAULT,
    (State.FAULT, Event.RESET): State.DISARMED,
}
"""A pair that is not here is refused and changes nothing."""


class Kind(IntEnum):
    """Causes of faults; of several the worst, the highest, is kept."""

    AGENT_SILENT = 1
    ROBOT_SILENT = 2
    NOT_READY = 3
    COMMAND = 4
    ROBOT = 5
    PUBLISHERS = 6
    GUARD = 7


@dataclass(frozen=True)
class Fault:
    """What latched: `cause` in words with the offending values, `time` in seconds of the guard's clock."""

    kind: Kind
    cause: str
    time: float
