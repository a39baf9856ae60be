"""Runs a command and shows how far it is: one line that updates on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Callable, Iterable, TextIO

from machine import MissingError

TERMINAL_PERIOD = 0.5
"""Seconds between updates of the line on a terminal."""
PLAIN_PERIOD = 15.0
"""Seconds between lines where the output is not a terminal."""
TAIL = 25  # lines of a failed command's log that are shown

_SIZE = re.compile(r"^\s*Downloading .*\(([\d.]+) (kB|MB|GB)\)")
_UNITS = {"kB": 1e3, "MB": 1e6, "GB": 1e9}


class Stage:
    """The progress of a running command, from the lines that it prints."""

    def __init__(self, what: str, total: int = 0) -> None:
        """Args: what: a phrase such as "installing packages"; total: how many items it goes through."""
        self.what = what
        self.total = total
        self.done = 0
        self.fetched = 0.0
        self.now = ""

    def read(self, line: str) -> None:
        """Counts one line of output."""

    def text(self, elapsed: float) -> str:
        """Returns one line: the stage, how much of it is done, and for how long it runs."""
        parts = [f"{self.done} of {self.total}"] if self.total else []
        parts += [f"{self.fetched / 1e6:.0f} MB fetched"] if self.fetched else []
        parts += [self.now] if self.now else []
        return f"{self.what}: {', '.join([*parts, duration(elapsed)])}"


class PipStage(Stage):
    """Counts the packages that pip has fetched, then reports that it unpacks them."""

    def read(self, line: str) -> None:
        if line.startswith(("Collecting ", "Processing ")):
            self.done = min(self.done + 1, self.total)
        elif size := _SIZE.match(line):
            self.fetched += float(size[1]) * _UNITS[size[2]]
        elif line.startswith("Installing collected packages"):
            self.now = "unpacking"


class ColconStage(Stage):
    """Counts the packages that colcon has built."""

    def read(self, line: str) -> None:
        if line.startswith("Finished <<<"):
            self.done += 1


def duration(seconds: float) -> str:
    """Returns a time span for people: `48 s` or `2 min 05 s`."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def run(command: list[str], log: Path, stage: Stage, out: TextIO | None = None) -> None:
    """Runs a command with its output in `log`; raises `MissingError` with the end of the log where it fails."""
    out = out or sys.stdout
    log.parent.mkdir(exist_ok=True)
    started = time.monotonic()
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace"
        )
    except OSError as error:
        raise MissingError(f"{stage.what} failed: {command[0]}: {error.strerror}") from None
    with process, log.open("w", errors="replace", encoding="utf-8") as file:
        assert process.stdout is not None
        reader = threading.Thread(target=_read, args=(process.stdout, file, stage), daemon=True)
        reader.start()
        _show(reader, lambda: stage.text(time.monotonic() - started), out)
    if process.returncode != 0:
        tail = "\n".join(log.read_text(errors="replace", encoding="utf-8").splitlines()[-TAIL:])
        raise MissingError(f"{stage.what} failed with exit code {process.returncode}; the end of {log}:\n{tail}")


def _read(lines: Iterable[str], file: TextIO, stage: Stage) -> None:
    for line in lines:
        file.write(line)
        file.flush()
        stage.read(line)


def _show(reader: threading.Thread, text: Callable[[], str], out: TextIO) -> None:
    """Prints `text` until `reader` has ended."""
    terminal = out.isatty()
    shown = 0.0
    started = time.monotonic()
    while reader.is_alive():
        reader.join(TERMINAL_PERIOD)
        now = time.monotonic()
        if terminal:
            print(f"\r\033[K[setup]   {text()}", end="", file=out, flush=True)
        elif reader.is_alive() and now - max(shown, started) >= PLAIN_PERIOD:
            shown = now
            print(f"[setup]   {text()}", file=out, flush=True)
    ending = "\r\033[K" if terminal else ""
    print(f"{ending}[setup]   {text()}", file=out, flush=True)
