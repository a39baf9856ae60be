"""The files of a shared-memory domain: a folder of its own, and segments beside it."""

import fcntl
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import iceoryx2 as iox2

from async_rl_core.errors import TransportError

SHARED_MEMORY = Path("/dev/shm")
LOCK = "lock"
"""The file in a domain's folder that is locked while a process joins, leaves or cleans up."""
DYNAMIC = ".dynamic"
"""Suffix of the segments that list the processes of a service; they are created under the lock."""
AGREEMENT = "agreement"
"""Attribute of a service: the settings that both ends must share."""


class SharedMemoryDomain:
    """The folder /dev/shm/async_rl-<uid>-<domain> and the segments of that prefix.

    Processes join, leave and clean up under the folder's lock.
    """

    def __init__(self, domain: str) -> None:
        if not re.fullmatch(r"[A-Za-z0-9_]{1,32}", domain):
            raise TransportError(f"domain {domain!r}: use 1 to 32 letters, digits and underscores (ROS_DOMAIN_ID)")
        self._root = SHARED_MEMORY / f"async_rl-{os.getuid()}-{domain}"
        self._prefix = f"{self._root.name}-"
        self.config = iox2.config.default()
        self.config.global_cfg.prefix = iox2.FileName.new(self._prefix)
        self.config.global_cfg.root_path = iox2.Path.new(f"{self._root}/")
        node = self.config.global_cfg.node  # only `sweep` removes dead nodes, under the lock
        node.cleanup_dead_nodes_on_creation = node.cleanup_dead_nodes_on_destruction = False

    @contextmanager
    def locked(self, create: bool) -> Iterator[bool]:
        """Holds the folder's lock, in one thread; yields False if there is no folder and `create` is False."""
        lock = self._lock(create)
        try:
            yield lock is not None
        finally:
            if lock is not None:
                os.close(lock)

    def _lock(self, create: bool) -> int | None:
        # The lock belongs to the process, not to the open file as with flock: a file that a signal's exception leaves
        # open must not lock out the clean-up at the end of the process.
        while True:
            try:
                if create:
                    with suppress(FileExistsError):
                        os.mkdir(self._root, 0o700)
                self._require_private()
                lock = os.open(self._root / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
            except FileNotFoundError:
                if create:
                    continue  # the last process left between the two calls
                return None
            except OSError as error:
                raise TransportError(f"{self._root} cannot be used: {error.strerror}; remove or free it") from error
            fcntl.lockf(lock, fcntl.LOCK_EX)
            if os.fstat(lock).st_nlink:
                return lock
            os.close(lock)  # it was removed meanwhile

    def _require_private(self) -> None:
        status = os.lstat(self._root)
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
            raise TransportError(f"{self._root} belongs to another user or is open to others; remove it")

    def restrict(self) -> None:
        """Removes other users' access to the segments, which iceoryx2 grants."""
        for path in self._segments():
            with suppress(FileNotFoundError):  # its holder closed it meanwhile
                path.chmod(path.stat().st_mode & 0o700)

    def mapped(self) -> set[Path]:
        """Returns the segments that this process has mapped."""
        words = [line.split() for line in Path("/proc/self/maps").read_text(encoding="utf-8").splitlines()]
        names = {word[-1] for word in words if word[-1].startswith(f"{SHARED_MEMORY}/{self._prefix}")}
        return {Path(name) for name in names}

    def sweep(self) -> None:
        """See `clean_up_dead`; the lock must be held."""
        for path in self._segments():
            if path.suffix == DYNAMIC and path.stat().st_size == 0:
                path.unlink()  # its creator died before it had a size, for which iceoryx2 would wait without end
        for state in iox2.Node.list(iox2.ServiceType.Ipc, self.config):
            if isinstance(state, iox2.NodeState.Dead):
                with suppress(iox2.NodeCleanupFailure):  # `_forget` removes the rest
                    state[0].try_remove_stale_resources()
        states = iox2.Node.list(iox2.ServiceType.Ipc, self.config)
        if any(isinstance(state, iox2.NodeState.Undefined | iox2.NodeState.Inaccessible) for state in states):
            return  # one of them may be alive
        living = {str(state[0].id.value) for state in states if isinstance(state, iox2.NodeState.Alive)}
        if living:
            self._forget(living)
            return
        for path in self._segments():
            path.unlink(missing_ok=True)
        for path in self._root.iterdir():
            if path.name != LOCK:
                _remove(path)
        (self._root / LOCK).unlink()  # last: from here on another process may join
        with suppress(OSError):  # another process has joined
            self._root.rmdir()

    def _forget(self, living: set[str]) -> None:
        """Removes the files of processes that died while joining or leaving, which iceoryx2 leaves.

        Opening an incomplete service would hang. Processes join and leave under the lock, so that every incomplete
        file that its holder sees belongs to a dead process.
        """
        nodes, services = self._root / "nodes", self._root / "services"
        for path in nodes.iterdir():
            if path.name.removeprefix(self._prefix).partition(".")[0] not in living:
                _remove(path)
        held = {tag.stem for tag in nodes.glob("*/*.service_tag")}
        for service in services.glob("*"):
            if service.stem not in held:
                service.unlink()

    def generation(self) -> int:
        """Returns a number that changes with the set of services."""
        try:
            return (self._root / "services").stat().st_mtime_ns
        except FileNotFoundError:  # no service was created yet
            return 0

    def living(self) -> dict[str, str]:
        """Returns the services with living holders, and these holders' titles."""
        services = {}
        for details in iox2.Service.list(self.config, iox2.ServiceType.Ipc):
            alive = [s[0] for s in details.nodes() if isinstance(s, iox2.NodeState.Alive)]
            if alive:
                services[details.name().to_string()] = " and ".join(sorted(_title(node) for node in alive))
        return services

    def holders(self, name: str) -> str:
        """Returns the holders of a service, for a message."""
        return self.living().get(name, "a process that just ended")

    def agreement(self, name: str) -> str | None:
        """Returns the agreement of a service; None if the service is gone."""
        for details in iox2.Service.list(self.config, iox2.ServiceType.Ipc):
            if details.name().to_string() == name:
                pairs = details.attributes().values
                values: list[str] = [p.value.to_string() for p in pairs if p.key.to_string() == AGREEMENT]
                return values[0] if values else None
        return None

    def _segments(self) -> list[Path]:
        return [path for path in SHARED_MEMORY.glob(f"{self._prefix}*") if path.is_file()]


def _title(node: Any) -> str:
    """Returns the name and number of a living process."""
    name = node.details.name.as_str() if node.details is not None else "a process"
    return f"{name}, pid {node.id.pid(iox2.ServiceType.Ipc)}"


def _remove(path: Path) -> None:
    """Removes a file or folder. `shutil.rmtree` raises another error when a signal's exception interrupts it."""
    if path.is_dir():
        for child in path.iterdir():
            _remove(child)
        path.rmdir()
    else:
        path.unlink(missing_ok=True)


def reserve(path: Path, most: int | None = None) -> None:
    """Allocates the memory of a segment, or its first `most` bytes; a missing page would be a SIGBUS later.

    iceoryx2 only sets its size. Raises `TransportError` where memory does not suffice.
    """
    segment = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
    size = os.fstat(segment).st_size
    nbytes = size if most is None else min(most, size)
    try:
        os.posix_fallocate(segment, 0, nbytes)
    except OSError as error:
        raise TransportError(
            f"{path} cannot have its {nbytes / 1e6:.1f} MB: {error.strerror}; enlarge {SHARED_MEMORY} "
            "(docker run --shm-size), or free some of it"
        ) from error
    finally:
        os.close(segment)
