"""The socket between the supervisor and each of its nodes: orders to the node, reports from it.

Messages are short texts. Neither side ever waits for the other: what does not fit is dropped.
"""

import os
import socket
from contextlib import suppress
from functools import cache

VARIABLE = "ASYNC_RL_LINK"
"""Environment variable that names the node's descriptor; not set where no supervisor started the node."""

PAUSE, RESUME = "pause", "resume"
"""Orders to the guard: bring the arm to rest and refuse to arm; allow arming again."""

LOADED, UP = "libraries loaded", "up"
"""Reports of every node: its imports are done; it serves."""
AT_REST, ARMED, MOVING = "at rest", "armed", "moving"
"""Reports of the guard: the arm is at rest after `PAUSE`; armed, and moving, for the first time."""

_LONGEST = 256


class NodeLink:
    """The supervisor's end, and the node's until the node has it."""

    def __init__(self) -> None:
        self._socket, self._theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.setblocking(False)

    @property
    def descriptor(self) -> int:
        """The supervisor's end."""
        return self._socket.fileno()

    @property
    def inlet(self) -> int:
        """The descriptor that the node inherits."""
        return self._theirs.fileno()

    def close_inlet(self) -> None:
        """Closes this process's copy of the node's end, once the node has its own or could not be started."""
        self._theirs.close()

    def order(self, text: str) -> None:
        """Sends an order to the node."""
        _send(self._socket, text)

    def reports(self) -> list[str] | None:
        """Returns the reports that have arrived; None once the node has closed its end."""
        return _receive(self._socket)

    def close(self) -> None:
        """Closes the supervisor's end."""
        self._socket.close()


class SupervisorLink:
    """The node's end. Without a supervisor, reports go nowhere and no order ever comes."""

    def __init__(self, descriptor: int | None) -> None:
        self._socket: socket.socket | None = None
        if descriptor is not None:
            self._socket = socket.socket(fileno=descriptor)
            self._socket.setblocking(False)
            self._socket.set_inheritable(False)

    def report(self, text: str) -> None:
        """Sends a report to the supervisor."""
        if self._socket is not None:
            _send(self._socket, text)

    def orders(self) -> list[str]:
        """Returns the orders that have arrived."""
        if self._socket is None:
            return []
        orders = _receive(self._socket)
        if orders is None:  # the supervisor is gone; the kernel tells this process by a signal
            self._socket.close()
            self._socket = None
        return orders or []


@cache
def supervisor() -> SupervisorLink:
    """Returns this process's link to its supervisor."""
    text = os.environ.pop(VARIABLE, "")
    try:
        return SupervisorLink(int(text) if text else None)
    except (OSError, ValueError):  # inherited by chance, from another process than our supervisor
        return SupervisorLink(None)


def _send(to: socket.socket, text: str) -> None:
    with suppress(OSError):  # full, or the other side is gone
        to.send(text.encode()[:_LONGEST], socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)


def _receive(from_: socket.socket) -> list[str] | None:
    texts: list[str] = []
    while True:
        try:
            data = from_.recv(_LONGEST, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return texts
        except OSError:
            return texts or None
        if not data:
            return texts or None
        texts.append(data.decode(errors="replace"))
