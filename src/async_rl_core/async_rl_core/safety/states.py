"""The guard's states, transitions and faults."""

from dataclasses import dataclass
from enum import Enum, IntEnum


class GuardMode(IntEnum):
    """The guard's state, numbered as in the message GuardState."""

    DISARMED = 0
    """The arm is at rest. Commands are judged but not followed."""
    ARMED = 1
    """Commands are followed inside the limits."""
    STOPPING = 2
    """The arm is brought to rest after `disarm`."""
    FAULT = 3
    """The arm is brought to rest, or is at rest, until the fault is cleared."""


class GuardEvent(Enum):
    """Events that change the guard's state."""

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
"""Every other pair is refused and changes nothing."""


class FaultKind(IntEnum):
    """Kinds of faults, in ascending severity. Of several faults, the most severe is kept."""

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
    """A fault of the guard.

    Attributes:
        kind: severity and kind of the cause.
        cause: the cause in words, with the offending values.
        time: seconds of the guard's clock.
        silence: seconds without a message, or without a cycle; 0 unless it is a fault of timing.
        made_of: the part of `silence` that halts of the machine explain, in words; also contained in `cause`.
    """

    kind: FaultKind
    cause: str
    time: float
    silence: float = 0.0
    made_of: str = ""

    @property
    def of_timing(self) -> bool:
        """Whether the only cause is that something came late, as on a busy computer."""
        return self.silence > 0.0

    @property
    def rank(self) -> tuple[bool, int]:
        """Severity for comparison, ascending. Every other fault outranks a fault of timing."""
        return not self.of_timing, self.kind
