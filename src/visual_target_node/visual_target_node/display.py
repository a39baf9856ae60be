"""The process of the window, as the node sees it."""

import os
import select
import subprocess
import sys

from async_rl_core.errors import AsyncRLError

START_TIMEOUT = 10.0
"""Seconds for the window to open."""
STOP_TIMEOUT = 1.0
"""Seconds for it to close before it is killed."""
ADVICE = "run on a machine with a screen (DISPLAY or WAYLAND_DISPLAY set), or use display:=false"


class DisplayError(AsyncRLError):
    """A screen that is not available, or was closed."""


class Display:
    """Shows discs on the real screen; `show` never blocks.

    Raises:
        DisplayError: no window can be opened here.
    """

    def __init__(self) -> None:
        self._window = subprocess.Popen(
            [sys.executable, "-m", "visual_target_node.window"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYGAME_HIDE_SUPPORT_PROMPT": "1"},  # its greeting would be taken for our first line
        )
        answer = self._first_line()
        if answer != "ready":
            self.close()
            raise DisplayError(f"visual_target_node: cannot open a full-screen window: {answer}; {ADVICE}")
        assert self._window.stdin is not None
        os.set_blocking(self._window.stdin.fileno(), False)

    def _first_line(self) -> str:
        assert self._window.stdout is not None
        if not select.select([self._window.stdout], [], [], START_TIMEOUT)[0]:
            return f"nothing shown within {START_TIMEOUT:g} s"
        return self._window.stdout.readline().decode().strip() or "pygame does not start"

    def show(self, x: float, y: float, radius: float, width: float, height: float) -> None:
        """Draws a disc in a picture of `width` x `height` units; skipped while the window is behind.

        Raises:
            DisplayError: the window was closed.
        """
        assert self._window.stdin is not None
        line = f"{x} {y} {radius} {width} {height}\n".encode()
        try:
            os.write(self._window.stdin.fileno(), line)  # shorter than PIPE_BUF: written whole or not at all
        except BlockingIOError:
            pass
        except BrokenPipeError:
            raise DisplayError(
                "visual_target_node: the target's window was closed; the camera sees no target"
            ) from None

    def close(self) -> None:
        """Closes the window and waits for its process."""
        assert self._window.stdin is not None
        assert self._window.stdout is not None
        self._window.stdin.close()
        try:
            self._window.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self._window.kill()
            self._window.wait()
        self._window.stdout.close()
