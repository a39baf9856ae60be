"""Whether a display answers is found out by asking it."""

import os
import socket

import pytest

from async_rl_core.bringup.checks.display import unreachable


@pytest.mark.parametrize(("display", "expected"), [("nonsense", "names no display"), (":x", "names no display")])
def test_display_that_is_no_display_is_named(display: str, expected: str) -> None:
    assert expected in (unreachable(display) or "")


@pytest.mark.parametrize("display", [":54321", ":54321.0", "localhost:54321", "127.0.0.1:99999.0"])
def test_display_without_a_server_is_named(display: str) -> None:
    assert unreachable(display) == f"no display answers at DISPLAY '{display}'"


def test_display_with_a_server_is_reachable() -> None:
    number = 10_000 + os.getpid()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(f"\0/tmp/.X11-unix/X{number}")
        server.listen()
        assert unreachable(f":{number}") is None
