"""One copy of the suite per ROS domain and per run folder: locks that vanish with the processes that hold them."""

import errno
import fcntl
import os
import socket
import struct
from pathlib import Path

from async_rl_core.errors import ConfigError
from async_rl_core.run_folder.run_folder import RunFolder


class DomainLock:
    """An abstract Unix socket: it has no file, and the kernel drops it with its owner, however that one dies."""

    def __init__(self, number: int) -> None:
        """Takes the lock of a ROS domain. Raises `ConfigError` naming the process that holds it."""
        name = f"\0async_rl/{os.getuid()}/{number}"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.bind(name)
        except OSError as error:
            self._socket.close()
            if error.errno != errno.EADDRINUSE:
                raise ConfigError(f"the lock of ROS domain {number} cannot be taken: {error}") from None
            raise ConfigError(
                f"async_rl already runs in ROS domain {number}{_holder(name)}; stop that run, "
                "or give this one another domain, such as ROS_DOMAIN_ID=" + str((number + 1) % 102)
            ) from None
        self._socket.listen()

    def close(self) -> None:
        """Releases the lock."""
        self._socket.close()


class RunLock:
    """One run per folder, from its first process to its last: all of them hold the same open file.

    Attributes:
        descriptor: of that file, for processes to inherit.
    """

    def __init__(self, folder: Path) -> None:
        """Takes the lock of a run's folder. Raises `ConfigError` if a process of its run lives."""
        try:
            self.descriptor = os.open(RunFolder(folder).lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise ConfigError(f"run folder {folder} cannot be locked: {error.strerror}; see its permissions") from None
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self.close()
            reason = "its run is still going" if isinstance(error, BlockingIOError) else error.strerror
            raise ConfigError(f"run folder {folder}: {reason}; stop that first, or wait for its end") from None
        os.set_inheritable(self.descriptor, True)

    def close(self) -> None:
        """Releases the lock for this process."""
        os.close(self.descriptor)


def _holder(name: str) -> str:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        try:
            client.connect(name)
            pid, _, _ = struct.unpack("3i", client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        except OSError:  # it ended just now
            return ""
    return f" (process {pid})"
