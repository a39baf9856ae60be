"""Writes lines to a stream in a thread of its own, so that no caller ever waits for the reader of that stream."""

import os
import threading
import time
from collections import deque
from typing import TextIO

CAPACITY = 2**20
"""Bytes that may wait for the reader; further lines are dropped."""


class LineWriter:
    """A bounded queue of lines before a stream that may block, such as a terminal, a pager or a full pipe.

    Lines that do not fit are dropped and counted; the count is written once the stream takes lines again.
    A stream that is gone, or `None`, drops everything.
    """

    def __init__(self, stream: TextIO | None, capacity: int = CAPACITY) -> None:
        self._stream = stream
        self._capacity = capacity
        self._changed = threading.Condition()
        self._waiting: deque[bytes] = deque()
        self._size = 0  # bytes in the queue
        self._pending = 0  # bytes in the queue, and those that are being written
        self._dropped = 0
        self._gone = stream is None
        # A daemon: a write that never returns must not keep the process.
        self._thread = threading.Thread(target=self._write_all, name="output", daemon=True)
        self._started = False

    def put(self, line: str) -> None:
        """Queues a line; never blocks."""
        data = f"{line}\n".encode(self._encoding, "replace")
        with self._changed:
            if self._gone:
                return
            if not self._started:  # not before there is something to write: threads do not survive a fork
                self._started = True
                self._thread.start()
            if self._pending and self._size + len(data) > self._capacity:
                self._dropped += 1
                return
            self._tell_dropped()
            self._queue(data)
            self._changed.notify_all()

    def flush(self, timeout: float) -> bool:
        """Waits until everything is written, at most `timeout` seconds. Returns whether it is."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while self._pending and not self._gone and (left := deadline - time.monotonic()) > 0:
                self._changed.wait(left)
            return not self._pending or self._gone

    @property
    def _encoding(self) -> str:
        return (self._stream and self._stream.encoding) or "utf-8"

    def _queue(self, data: bytes) -> None:
        self._waiting.append(data)
        self._size += len(data)
        self._pending += len(data)

    def _tell_dropped(self) -> None:
        if self._dropped:
            lines = "1 line" if self._dropped == 1 else f"{self._dropped} lines"
            self._queue(f"warning: {lines} dropped here: nothing read the output\n".encode())
            self._dropped = 0

    def _write_all(self) -> None:
        while True:
            with self._changed:
                while not self._waiting:
                    self._changed.wait()
                data = b"".join(self._waiting)
                self._waiting.clear()
                self._size = 0
            try:
                self._write(data)
            except (OSError, ValueError):  # the terminal or the reader of the pipe is gone
                with self._changed:
                    self._gone = True
                    self._pending = 0
                    self._changed.notify_all()
                return
            with self._changed:
                self._pending -= len(data)
                if not self._waiting:
                    self._tell_dropped()
                self._changed.notify_all()

    def _write(self, data: bytes) -> None:
        assert self._stream is not None
        try:
            descriptor = self._stream.fileno()
        except OSError:  # not a file, as in tests
            self._stream.write(data.decode(self._encoding))
            return
        # Past the stream's buffer, whose lock would keep the interpreter from ending while a write blocks.
        while data:
            data = data[os.write(descriptor, data) :]
