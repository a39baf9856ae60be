"""The terminal: every line of a node after its name, in its colour."""

import asyncio
import itertools
import os
import sys
import time
from types import TracebackType
from typing import TextIO

from async_rl_core.bringup.process.line_writer import LineWriter

FLUSH_TIMEOUT = 1.0
"""Seconds that the end of a command waits for a reader of its last lines."""

_COLOURS = (36, 33, 32, 35, 34, 96, 93, 92, 95, 94)  # ANSI foregrounds; red is for errors
_RED = 31


class TerminalOutput:
    """Writes whole lines, `name | text`; errors go to the error stream. Colour only on a terminal without NO_COLOR.

    No method waits for a reader: a terminal that is suspended by Ctrl-S, a pager or a full pipe costs lines, which are
    counted. As a context manager it waits at its end, for a bounded time, until the last lines are written.
    """

    def __init__(self, names: list[str], out: TextIO | None = None, err: TextIO | None = None) -> None:
        """Takes the names of all nodes, which share one column, and the streams, by default the terminal's."""
        out, err = out or sys.stdout, err or sys.stderr
        self._out = LineWriter(out)
        # One writer for one file, which keeps the order of its lines; else one that blocks must not hold up the other.
        self._err = self._out if _is_same_file(out, err) else LineWriter(err)
        self._coloured = {self._out: _takes_colour(out), self._err: _takes_colour(err)}
        self.show(names)

    def __enter__(self) -> "TerminalOutput":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.flush()

    def show(self, names: list[str]) -> None:
        """Takes the names of the nodes that print lines."""
        self._width = max(map(len, names), default=0)
        self._colours = dict(zip(names, itertools.cycle(_COLOURS), strict=False))

    def line(self, name: str, text: str, *, error: bool = False) -> None:
        """Writes a line of a node's output, or of its error stream."""
        writer = self._err if error else self._out
        prefix = f"{name:<{self._width}} | "
        writer.put(self._colour(writer, prefix, self._colours.get(name, 0)) + text)

    def say(self, text: str) -> None:
        """Writes a line of the bring-up itself."""
        self._out.put(text)

    def error(self, text: str) -> None:
        """Writes an error of the run."""
        self._err.put(self._colour(self._err, "error: ", _RED) + text)

    def flush(self, timeout: float = FLUSH_TIMEOUT) -> bool:
        """Waits until everything is written, at most `timeout` seconds. Returns whether it is."""
        deadline = time.monotonic() + timeout
        return all(writer.flush(deadline - time.monotonic()) for writer in (self._out, self._err))

    def _colour(self, writer: LineWriter, text: str, colour: int) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self._coloured[writer] else text


class Pipe:
    """The pipe that a process writes into, and the task that reads it.

    Before Python 3.12.4, asyncio's own pipe reports the end of a process only once all that it started have closed the
    pipe as well.
    """

    def __init__(self) -> None:
        self._outlet, self.inlet = os.pipe()

    def close_inlet(self) -> None:
        """Closes this process's copy, once the child has its own or could not be started."""
        os.close(self.inlet)

    async def pump(self, name: str, output: TerminalOutput, *, error: bool = False) -> None:
        """Passes lines on until the pipe closes. A line of any length is only ever held in pieces."""
        reader, outlet = asyncio.StreamReader(), os.fdopen(self._outlet, "rb", buffering=0)
        protocol = asyncio.StreamReaderProtocol(reader)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, outlet)
        pending = b""
        try:
            while chunk := await reader.read(65536):
                *lines, pending = (pending + chunk).split(b"\n")
                if len(pending) > 65536:
                    lines, pending = [*lines, pending], b""
                for line in lines:
                    output.line(name, line.decode(errors="replace").rstrip("\r"), error=error)
        finally:
            if pending:
                output.line(name, pending.decode(errors="replace"), error=error)
            transport.close()


def _is_same_file(out: TextIO | None, err: TextIO | None) -> bool:
    try:
        return out is not None and err is not None and os.path.sameopenfile(out.fileno(), err.fileno())
    except (OSError, ValueError):  # not files
        return out is err


def _takes_colour(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty() and not os.environ.get("NO_COLOR")
