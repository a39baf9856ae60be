"""The standard streams of a process, when their reader is slow, gone or was never there."""

import errno
import io
import os
import stat
import sys
from typing import Any, TextIO

_NAMES = {1: "stdout", 2: "stderr"}


class StreamError(OSError):
    """A standard stream that cannot be written, as on a full disk."""


class TolerantFile(io.FileIO):
    """A file without errors for a reader that is gone; `drops` also discards what a slow reader has no room for.

    Raises `StreamError` where writing fails for another reason.
    """

    def __init__(self, descriptor: int, drops: bool) -> None:
        super().__init__(descriptor, "w", closefd=False)
        self._drops = drops

    def write(self, data: Any) -> int:
        """Write, or discard, all of the data."""
        view = memoryview(data).cast("B")
        size = len(view)
        try:
            while view:
                written = super().write(view)
                if written is None:  # no room
                    if self._drops:
                        break
                    continue
                view = view[written:]
        except (BrokenPipeError, BlockingIOError):
            pass
        except OSError as error:
            if not self._drops and error.errno != errno.EIO:  # EIO: the terminal is gone
                raise StreamError(*error.args) from None
        return size


def open_closed() -> None:
    """Opens the null device in place of closed standard streams, so that no other file gets their numbers.

    A file with the number of a standard stream would receive all that libraries and child processes print.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != descriptor:
                os.dup2(opened, descriptor)
                os.close(opened)
            os.set_inheritable(descriptor, True)
            if descriptor in _NAMES and getattr(sys, _NAMES[descriptor]) is None:
                setattr(sys, _NAMES[descriptor], _text(descriptor, None, drops=False))


def tolerate_broken_pipes() -> None:
    """Lets a command end with its own exit code although the reader of its output has closed: `| head -n 1`."""
    open_closed()
    for descriptor, name in _NAMES.items():
        before: TextIO = getattr(sys, name)
        before.flush()
        setattr(sys, name, _text(descriptor, before, drops=False))


def discard() -> None:
    """Discards everything written to the standard output from now on."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.close(null)


def never_block() -> None:
    """Discards output while nobody reads this process's pipe or terminal, since waiting would block it.

    Holds for Python and for the middleware's log. Other processes that write to the same pipe are not affected.
    """
    open_closed()
    for descriptor, name in _NAMES.items():
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISFIFO(mode) and not os.isatty(descriptor):
            continue  # files do not fill; a socket cannot be opened once more
        try:
            # Opened once more: the flag then belongs to this process alone.
            own = os.open(f"/proc/self/fd/{descriptor}", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
        except OSError:
            continue
        before: TextIO = getattr(sys, name)
        before.flush()
        os.dup2(own, descriptor)
        os.close(own)
        setattr(sys, name, _text(descriptor, before, drops=True))


def _text(descriptor: int, like: TextIO | None, drops: bool) -> TextIO:
    raw = TolerantFile(descriptor, drops)
    encoding = like.encoding if like else "utf-8"
    errors = "backslashreplace" if descriptor == 2 else like.errors if like else None
    lines = descriptor == 2 or raw.isatty()
    return io.TextIOWrapper(
        io.BufferedWriter(raw), encoding, errors, line_buffering=lines, write_through=descriptor == 2 or drops
    )
