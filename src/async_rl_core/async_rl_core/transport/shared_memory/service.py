"""Services in shared memory: names, holders, and clean-up after dead processes.

Every run has a domain of its own (its ROS_DOMAIN_ID). All files of a domain bear its name and its user's number: the
folder /dev/shm/async_rl-<uid>-<domain>, and segments beside it of the same prefix.
"""

import atexit
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

import iceoryx2 as iox2

from async_rl_core.errors import TransportError
from async_rl_core.ros_environment import ros_domain
from async_rl_core.transport.shared_memory.domain import AGREEMENT, SHARED_MEMORY, SharedMemoryDomain, reserve

MAX_NODES = 16
"""Most processes on one service, including dead ones that were not cleaned up yet."""

ENTRY_BYTES = 4_000_000
"""Free shared memory that a process needs to join: for iceoryx2's node and its connections."""

DATA = ".data"
"""Suffix of the segments that hold payloads."""

_OPEN_ERRORS = (
    iox2.PublishSubscribeOpenOrCreateError, iox2.RequestResponseOpenOrCreateError, iox2.EventOpenOrCreateError
)  # fmt: skip

iox2.set_log_level(iox2.LogLevel.Fatal)  # every failure is an exception


def domain_from_environment(environment: Mapping[str, str] = os.environ) -> str:
    """Returns the domain of a run: its ROS_DOMAIN_ID. Raises `ConfigError` where that is not a domain."""
    return str(ros_domain(environment))


def service_name(domain: str, what: str) -> str:
    """`async_rl/<domain>/<what>`."""
    return f"async_rl/{domain}/{what}"


def of_actor(what: str, actor: str) -> str:
    """Returns `<what>`, or `<what>/<actor>` for an arm in a namespace."""
    return f"{what}/{actor}" if actor else what


class Closable(Protocol):
    """A port, which an endpoint closes."""

    def close(self) -> None:
        """Releases its resources; a second time does nothing."""


class Endpoint:
    """One process in a domain. `close` closes its ports, and so does the end of the process, unless it is killed."""

    def __init__(self, domain: str, process: str) -> None:
        self.domain = domain
        self._place = SharedMemoryDomain(domain)
        self._ports: list[Closable] = []
        atexit.register(clean_up_dead, domain)  # after a stop while joining or leaving
        require_space(ENTRY_BYTES, f"the connections of a process in domain {domain}")
        with self._place.locked(create=True):
            try:
                builder = iox2.NodeBuilder.new().name(iox2.NodeName.new(process)).config(self._place.config)
                builder = builder.signal_handling_mode(iox2.SignalHandlingMode.Disabled)
                self._node: Any = builder.create(iox2.ServiceType.Ipc)
            except iox2.NodeCreationFailure as error:
                raise TransportError(
                    f"domain {domain} cannot be entered ({error}); see whether {SHARED_MEMORY} is there and has space"
                ) from error
            self._place.restrict()
            self._place.sweep()  # after joining, so that the folder stays
        atexit.register(self.close)

    def service(self, what: str, build: Callable[[Any], Any], agreement: str) -> Any:
        """Opens or creates the service `what`; `build` turns a service builder into one of a messaging pattern.

        `agreement` states the settings that both ends must share. Raises `TransportError` naming both if they differ.
        """
        name = service_name(self.domain, what)
        verifier = iox2.AttributeVerifier.new().require(
            iox2.AttributeKey.new(AGREEMENT), iox2.AttributeValue.new(agreement)
        )
        try:
            with self._place.locked(create=True):
                self._place.sweep()  # opening a dead process's incomplete service would hang
                builder = build(self._node.service_builder(iox2.ServiceName.new(name)))
                return builder.open_or_create_with_attributes(verifier)
        except _OPEN_ERRORS as error:
            other = self._place.agreement(name)
            if other is not None and other != agreement:
                raise TransportError(
                    f"service {name}: this side has {agreement}, the other side has {other} "
                    f"({self._place.holders(name)}); start both with the same configuration"
                ) from error
            raise TransportError(
                f"service {name} cannot be opened ({error}), held by {self._place.holders(name)}; "
                "stop that run or set another ROS_DOMAIN_ID"
            ) from error

    def actors(self, what: str) -> list[str]:
        """Returns the actors for which a service `what` exists that a living process holds, sorted."""
        prefix = service_name(self.domain, f"{what}/")
        with self._place.locked(create=True):
            return sorted(name.removeprefix(prefix) for name in self._place.living() if name.startswith(prefix))

    @property
    def generation(self) -> int:
        """A number that differs once a service was added to the domain or removed from it."""
        return self._place.generation()

    def holders(self, what: str) -> str:
        """Returns the holders of a service, for a message."""
        return self._place.holders(service_name(self.domain, what))

    @contextmanager
    def reserving(self, most: int | None = None) -> Iterator[None]:
        """Allocates all memory of the ports created within, or `most` bytes. Raises `TransportError` without room."""
        before = self._place.mapped()
        yield
        for path in self._place.mapped() - before:
            if path.suffix == DATA:
                reserve(path, most)

    def adopt(self, port: Closable) -> None:
        """Closes `port` with this endpoint."""
        self._ports.append(port)

    def release(self, port: Any) -> None:
        """Deletes a port of iceoryx2 under the lock, since the last one deletes its service."""
        with self._place.locked(create=True):
            port.delete()

    def close(self) -> None:
        """Leaves the domain; the last process removes its files."""
        if self._node is None:
            return
        for port in reversed(self._ports):
            port.close()
        self._ports.clear()
        with self._place.locked(create=True):
            self._node = None
            self._place.sweep()
        atexit.unregister(self.close)


def require_space(nbytes: int, what: str) -> None:
    """Raises `TransportError` with the numbers if shared memory has less left: touching it would be a SIGBUS."""
    status = os.statvfs(SHARED_MEMORY)
    free = status.f_bavail * status.f_frsize
    if nbytes > free:
        raise TransportError(
            f"{what} need {nbytes / 1e6:.0f} MB of shared memory, {SHARED_MEMORY} has {free / 1e6:.0f} MB left; "
            "enlarge it (docker run --shm-size), or use a smaller batch or image"
        )


def in_use(domain: str) -> list[str]:
    """Returns the services of `domain` that a living process holds, each with its holders."""
    place = SharedMemoryDomain(domain)
    with place.locked(create=False) as exists:
        if not exists:
            return []
        return sorted(f"{name} (held by {holders})" for name, holders in place.living().items())


def clean_up_dead(domain: str) -> None:
    """Removes the files of dead processes in `domain`, and all its files if no process is left."""
    place = SharedMemoryDomain(domain)
    with place.locked(create=False) as exists:
        if exists:
            place.sweep()
