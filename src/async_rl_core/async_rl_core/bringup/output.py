"""The terminal: every line of a node behind its name, in its colour."""

import asyncio
import itertools
import os
import sys
from typing import TextIO

_COLOURS = (36, 33, 32, 35, 34, 96, 93, 92, 95, 94)  # ANSI foregrounds; red is for errors
_RED = 31


class Output:
    """Writes whole lines, `name | text`; errors go to the error stream. Colour only on a terminal without NO_COLOR."""

    def __init__(self, names: list[str], out: TextIO | None = None, err: TextIO | None = None) -> None:
        """Take the names of all nodes, which share one column, and where to write (by default the terminal)."""
        self._out, self._err = out or sys.stdout, err or sys.stderr
        self._width = max(map(len, names), default=0)
        self._colours = dict(zip(names, itertools.cycle(_COLOURS), strict=False))

    def line(self, name: str, text: str, *, error: bool = False) -> None:
        """A line that a node wrote to its output, or to its error stream."""
        stream = self._err if error else self._out
        prefix = f"{name:<{self._width}} | "
        self._write(stream, _coloured(stream, prefix, self._colours.get(name, 0)) + text)

    def say(self, text: str) -> None:
        """A line of the bring-up itself."""
        self._write(self._out, text)

    def error(self, text: str) -> None:
        """What ended the run."""
        self._write(self._err, _coloured(self._err, "error: ", _RED) + text)

    def _write(self, stream: TextIO, text: str) -> None:
        try:
            stream.write(text + "\n")
            stream.flush()
        except (OSError, ValueError):  # the terminal, or what we were piped into, is gone: the run goes on
            pass


class Pipe:
    """What a process writes into, and what becomes of it.

    Not asyncio's own: with that a process's end is told, before Python 3.12.4, once all that it started have closed
    the pipe as well.
    """

    def __init__(self) -> None:
        self._outlet, self.inlet = os.pipe()

    def close_inlet(self) -> None:
        """To be called once the process has it, or could not be started: only others' ends keep a pipe open."""
        os.close(self.inlet)

    async def pump(self, name: str, output: Output, *, error: bool = False) -> None:
        """Pass lines on until the pipe closes. A line of any length is only ever held in pieces."""
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


def _coloured(stream: TextIO, text: str, colour: int) -> str:
    if os.environ.get("NO_COLOR") or not stream.isatty():
        return text
    return f"\x1b[{colour}m{text}\x1b[0m"
