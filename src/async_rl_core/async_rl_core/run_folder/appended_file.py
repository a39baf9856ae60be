"""Files that grow record by record, on a disk that may be full for a while."""

import contextlib
import os
from collections import deque
from pathlib import Path

MOST_PENDING = 100_000
"""Records kept for a disk that takes none; then the oldest are lost."""


class AppendedFile:
    """Appends records, each whole or not there; what the disk does not take is kept and written later.

    The file is opened for each write, so that a disk that was away, full or read-only for a while is used again as
    soon as it can be. `write` and `flush` never raise.

    Args:
        path: of the file; continued where it is there.
        header: its first bytes.

    Attributes:
        failed: why the newest records are not in the file yet; empty while they are.
        lost: records that were kept for too long.
    """

    def __init__(self, path: Path, header: bytes = b"") -> None:
        self.path = path
        self.failed = ""
        self.lost = 0
        self._header = header
        self._pending: deque[bytes] = deque()
        self._whole: int | None = None  # bytes of the file, where a record behind them was cut off

    @property
    def pending(self) -> int:
        """Records that the disk has not taken yet."""
        return len(self._pending)

    def write(self, record: bytes) -> None:
        """Appends a record, now or as soon as the disk accepts it."""
        if len(self._pending) == MOST_PENDING:
            self._pending.popleft()
            self.lost += 1
        self._pending.append(record)
        self.flush()

    def flush(self) -> None:
        """Writes the pending records as far as the disk accepts them."""
        try:
            while self._pending:
                self._append(self._pending[0])
                self._pending.popleft()
            self.failed = ""
        except OSError as error:
            self.failed = f"{self.path} cannot be written: {error.strerror or error}"

    def _append(self, record: bytes) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        descriptor = os.open(self.path, flags, 0o666)
        try:
            if self._whole is not None:
                os.ftruncate(descriptor, self._whole)
                self._whole = None
            size = os.fstat(descriptor).st_size
            try:
                _write_all(descriptor, record if size else self._header + record)
            except OSError:
                self._whole = size
                with contextlib.suppress(OSError):
                    os.ftruncate(descriptor, size)
                    self._whole = None
                raise
        finally:
            os.close(descriptor)


def _write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
