"""What a domain has in the file system: a folder of its own, and segments beside it."""

import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import iceoryx2 as iox2

from async_rl_core.errors import TransportError

SHARED_MEMORY = Path("/dev/shm")
AGREEMENT = "agreement"
"""The attribute of a service that says what both sides must have alike."""


class Place:
    """/dev/shm/async_rl-<uid>-<domain>, locked while someone enters or sweeps, and what bears its name as a prefix."""

    def __init__(self, domain: str) -> None:
        if not re.fullmatch(r"[A-Za-z0-9_]{1,32}", domain):
            raise TransportError(f"domain {domain!r}: use 1 to 32 letters, digits and underscores (ROS_DOMAIN_ID)")
        self._root = SHARED_MEMORY / f"async_rl-{os.getuid()}-{domain}"
        self._prefix = f"{self._root.name}-"
        self.config = iox2.config.default()
        self.config.global_cfg.prefix = iox2.FileName.new(self._prefix)
        self.config.global_cfg.root_path = iox2.Path.new(f"{self._root}/")

    @contextmanager
    def locked(self, create: bool) -> Iterator[bool]:
        """Hold the folder's lock; yields False where there is no folder and none is to be created."""
        folder = self._lock(create)
        try:
            yield folder is not None
        finally:
            if folder is not None:
                os.close(folder)

    def _lock(self, create: bool) -> int | None:
        while True:
            try:
                if create:
                    self._root.mkdir(mode=0o700, exist_ok=True)
                folder = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            except FileNotFoundError:
                if create:
                    continue  # the last one left between the two calls
                return None
            except OSError as error:
                raise TransportError(f"{self._root} cannot be used: {error.strerror}; remove or free it") from error
            fcntl.flock(folder, fcntl.LOCK_EX)
            status = os.fstat(folder)
            if status.st_nlink == 0:
                os.close(folder)  # it was removed while we waited
                continue
            if status.st_uid != os.getuid() or status.st_mode & 0o077:
                os.close(folder)
                raise TransportError(f"{self._root} belongs to another user or is open to others; remove it")
            return folder

    def restrict(self) -> None:
        """Close to other users what iceoryx2 leaves open to them."""
        for path in self._segments():
            path.chmod(path.stat().st_mode & 0o700)

    def mapped(self) -> set[Path]:
        """The segments that this process uses."""
        words = [line.split() for line in Path("/proc/self/maps").read_text().splitlines()]
        names = {word[-1] for word in words if word[-1].startswith(f"{SHARED_MEMORY}/{self._prefix}")}
        return {Path(name) for name in names}

    def sweep(self) -> None:
        """See `clean_up_dead`; the lock must be held."""
        for state in iox2.Node.list(iox2.ServiceType.Ipc, self.config):
            if isinstance(state, iox2.NodeState.Dead):
                state[0].try_remove_stale_resources()
        if iox2.Node.list(iox2.ServiceType.Ipc, self.config):
            return
        for path in self._segments():
            path.unlink(missing_ok=True)
        shutil.rmtree(self._root, ignore_errors=True)

    def living(self) -> dict[str, str]:
        """Names of the services with living holders, and those."""
        services = {}
        for details in iox2.Service.list(self.config, iox2.ServiceType.Ipc):
            alive = [s[0] for s in details.nodes() if isinstance(s, iox2.NodeState.Alive)]
            if alive:
                services[details.name().to_string()] = " and ".join(sorted(_title(node) for node in alive))
        return services

    def holders(self, name: str) -> str:
        """Who holds the service, for a message."""
        return self.living().get(name, "a process that just ended")

    def agreement(self, name: str) -> str | None:
        """What the service was created with; None where it is gone."""
        for details in iox2.Service.list(self.config, iox2.ServiceType.Ipc):
            if details.name().to_string() == name:
                pairs = details.attributes().values
                values: list[str] = [p.value.to_string() for p in pairs if p.key.to_string() == AGREEMENT]
                return values[0] if values else None
        return None

    def _segments(self) -> list[Path]:
        return [path for path in SHARED_MEMORY.glob(f"{self._prefix}*") if path.is_file()]


def _title(node: Any) -> str:
    """Name and number of a living process."""
    name = node.details.name.as_str() if node.details is not None else "a process"
    return f"{name}, pid {node.id.pid(iox2.ServiceType.Ipc)}"


def reserve(path: Path, most: int | None = None) -> None:
    """Have the memory of a segment now: iceoryx2 only sizes it, and a page that is not to be had later is a SIGBUS.

    `most`: that many bytes from its beginning do. Raises `TransportError` where there is not enough.
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
