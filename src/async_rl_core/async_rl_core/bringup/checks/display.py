"""A check that an X display answers."""

import re
import socket

_TIMEOUT = 2.0  # seconds, for a display of another host
_FIRST_PORT = 6000


def unreachable(display: str) -> str | None:
    """Returns why nothing can be shown on `display`, a value of DISPLAY; None if a server answers."""
    parts = re.fullmatch(r"(?P<host>[^:]*):(?P<number>\d+)(\.\d+)?", display.removeprefix("unix"))
    if parts is None:
        return f"DISPLAY is '{display}', which names no display"
    host, number = parts["host"], int(parts["number"])
    if host:
        addresses: list[object] = [(host, _FIRST_PORT + number)]
    else:
        path = f"/tmp/.X11-unix/X{number}"
        addresses = [f"\0{path}", path]
    if any(map(_answers, addresses)):
        return None
    return f"no display answers at DISPLAY '{display}'"


def _answers(address: object) -> bool:
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    try:
        if family == socket.AF_INET:
            assert isinstance(address, tuple)
            socket.create_connection(address, _TIMEOUT).close()
            return True
        with socket.socket(family, socket.SOCK_STREAM) as client:
            client.connect(address)  # type: ignore[arg-type]
    except (OSError, OverflowError):
        return False
    return True
