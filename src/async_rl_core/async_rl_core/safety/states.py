"""The guard's states, and the one table of how it goes from one to another."""

from dataclasses import dataclass
from enum import Enum, IntEnum


class GuardMode(IntEnum):
    """Numbered as in the message GuardState."""

    DISARMED = 0
    """At rest; commands are checked and not followed."""
    ARMED = 1
    """Commands are followed inside the limits."""
    STOPPING = 2
    """On the way to rest after a disarming."""
    FAULT = 3
    """On the way to rest, or there, until a person clears the fault."""


class GuardEvent(Enum):
    """What may happen to a guard."""

    ARM = "arm"
    DISARM = "disarm"
    REST = "rest"
    FAIL = "fail"
    RESET = "reset"


TRANSITIONS: dict[tuple[GuardMode, GuardEvent], GuardMode] = {
    (GuardMode.DISARMED, GuardEvent.ARM): GuardMode.ARMED,
    (GuardMode.DISARMED, GuardEvent.DISARM): GuardMode.DISARMED,
    (GuardMode.DISARMED, GuardEvent.FAIL): GuardMode.FAULT,
    (GuardMode.ARMED, GuardEvent.DISARM): GuardMode.STOPPING,
    (GuardMode.ARMED, GuardEvent.FAIL): GuardMode.FAULT,
    (GuardMode.STOPPING, GuardEvent.DISARM): GuardMode.STOPPING,
    (GuardMode.STOPPING, GuardEvent.REST): GuardMode.DISARMED,
    (GuardMode.STOPPING, GuardEvent.FAIL): GuardMode.FAULT,
    (GuardMode.FAULT, GuardEvent.DISARM): GuardMode.FAULT,
    (GuardMode.FAULT, GuardEvent.FAIL): GuardMode.FAULT,
    (GuardMode.FAULT, GuardEvent.RESET): GuardMode.DISARMED,
}
"""A pair that is not here is refused and changes nothing."""


class FaultKind(IntEnum):
    """Causes of faults; of several the worst, the highest, is kept."""

    AGENT_SILENT = 1
    ROBOT_SILENT = 2
    HALTED = 3
    """The guard's own process did not run for longer than the watchdog."""
    NOT_READY = 4
    COMMAND = 5
    ROBOT = 6
    DESCRIPTION = 7
    MOTION = 8
    PUBLISHERS = 9
    GUARD = 10


@dataclass(frozen=True)
class Fault:
    """What latched.

    Attributes:
        kind: of the cause.
        cause: in words, with the offending values.
        time: seconds of the guard's clock.
        silence: seconds for which nothing arrived, or nothing ran; 0 for a fault of another kind.
        made_of: what the computer did meanwhile, in words; it is part of `cause` too.
    """

    kind: FaultKind
    cause: str
    time: float
    silence: float = 0.0
    made_of: str = ""

    @property
    def of_timing(self) -> bool:
        """Whether it says only that something came late, as on a busy computer."""
        return self.silence > 0.0

    @property
    def rank(self) -> tuple[bool, int]:
        """The higher, the worse. A fault of timing never hides another one."""
        return not self.of_timing, self.kind
