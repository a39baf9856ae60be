from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from async_rl_core.errors import TransportError
from async_rl_core.transport.shared_memory import parameters
from async_rl_core.transport.shared_memory.domain import SHARED_MEMORY
from async_rl_core.transport.shared_memory.parameters import ParameterPublisher, ParameterSubscriber
from async_rl_core.transport.shared_memory.service import Endpoint

ROUNDS, PUBLICATIONS = 20, 200
"""At least one read falls into each round, however the two processes share the processor."""


class Loan:
    """Stands for shared memory."""

    def assume_init(self) -> "Loan":
        return self

    def send(self) -> None:
        """Nobody receives it."""


def is_torn(version: int, values: NDArray[np.float32]) -> bool:
    """Publication n consists of n only."""
    return bool((values != version).any())


def test_is_torn_finds_one_value_of_another_publication() -> None:
    values = np.full(50_000, 7, np.float32)
    assert not is_torn(7, values)
    values[31_234] = 6
    assert is_torn(7, values)


def test_parameters_are_never_torn_and_never_go_back(
    endpoint: Endpoint, peers: ModuleType, start_peer: Callable[[str], Any]
) -> None:
    subscriber, writer = ParameterSubscriber(endpoint, peers.PARAMETERS), start_peer("parameters")
    last = 0
    for end in range(PUBLICATIONS, ROUNDS * PUBLICATIONS + 1, PUBLICATIONS):
        writer.say(PUBLICATIONS)
        while last < end:
            newest = subscriber.newest()
            if newest is None:
                continue
            assert not is_torn(newest.version, newest.values)
            assert newest.updates == 2 * newest.version
            assert newest.version > last
            last = newest.version
    assert subscriber.rejected == 0
    subscriber.close()


def test_newest_parameters_are_returned_once(endpoint: Endpoint) -> None:
    publisher, subscriber = ParameterPublisher(endpoint, 4), ParameterSubscriber(endpoint, 4)
    assert subscriber.newest() is None
    for version in range(1, 6):
        publisher.publish(version, 10 * version, np.full(4, version, np.float32))
    newest = subscriber.newest()
    assert newest is not None
    assert (newest.version, newest.updates) == (5, 50)
    np.testing.assert_array_equal(newest.values, 5.0)
    assert subscriber.newest() is None
    np.testing.assert_array_equal(newest.values, 5.0)
    with pytest.raises(ValueError, match="read-only"):
        newest.values[0] = 0.0
    publisher.close()
    subscriber.close()


def test_held_parameters_stay_while_others_are_published(endpoint: Endpoint) -> None:
    publisher, subscriber = ParameterPublisher(endpoint, 4), ParameterSubscriber(endpoint, 4)
    publisher.publish(1, 1, np.ones(4, np.float32))
    held = subscriber.newest()
    assert held is not None
    for version in range(2, 30):
        publisher.publish(version, version, np.full(4, version, np.float32))
    np.testing.assert_array_equal(held.values, 1.0)
    publisher.close()
    subscriber.close()


def test_subscriber_that_joins_later_gets_the_newest(endpoint: Endpoint) -> None:
    publisher = ParameterPublisher(endpoint, 4)
    for version in (1, 2, 3):
        publisher.publish(version, version, np.full(4, version, np.float32))
    subscriber = ParameterSubscriber(endpoint, 4)
    publisher.refresh()
    newest = subscriber.newest()
    assert newest is not None
    assert newest.version == 3
    publisher.close()
    subscriber.close()


def test_publisher_killed_while_writing_leaves_whole_parameters(
    endpoint: Endpoint, peers: ModuleType, start_peer: Callable[[str], Any]
) -> None:
    subscriber, writer = ParameterSubscriber(endpoint, peers.PARAMETERS), start_peer("writer")
    assert writer.ask("write") == "half"
    writer.kill()
    newest = subscriber.newest()
    assert newest is None or not is_torn(1, newest.values)
    assert subscriber.newest() is None
    second = Endpoint(endpoint.domain, "second")  # entering removes what the dead left
    publisher = ParameterPublisher(second, peers.PARAMETERS)
    publisher.publish(2, 2, np.full(peers.PARAMETERS, 2, np.float32))
    again = subscriber.newest()
    assert again is not None
    assert not is_torn(2, again.values)
    second.close()
    subscriber.close()


def test_parameters_of_a_wrong_checksum_are_rejected_and_counted(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    publisher, subscriber = ParameterPublisher(endpoint, 4), ParameterSubscriber(endpoint, 4)
    publisher.publish(1, 1, np.ones(4, np.float32))
    first = subscriber.newest()
    with monkeypatch.context() as patch:
        patch.setattr(parameters, "_hash", lambda buffer: 1)
        publisher.publish(2, 2, np.ones(4, np.float32))
    assert subscriber.newest() is None
    assert subscriber.rejected == 1
    assert first is not None
    np.testing.assert_array_equal(first.values, 1.0)
    publisher.publish(3, 3, np.ones(4, np.float32))
    third = subscriber.newest()
    assert third is not None
    assert third.version == 3
    publisher.close()
    subscriber.close()


@pytest.mark.parametrize("size", [1, 4, 5])
def test_checksum_finds_every_changed_byte(endpoint: Endpoint, size: int) -> None:
    publisher, subscriber = ParameterPublisher(endpoint, size), ParameterSubscriber(endpoint, size)
    loan, buffer = publisher._loan()
    loan.delete()
    blob = np.full_like(buffer, 99)  # memory that held something else
    publisher._loan = lambda: (Loan(), blob)  # type: ignore[method-assign]
    publisher.publish(1, 2, np.arange(1, size + 1, dtype=np.float32))
    assert subscriber._read(blob.copy()) is not None
    for position in range(blob.size):
        changed = blob.copy()
        changed[position] ^= 1
        assert subscriber._read(changed) is None
    assert subscriber._read(np.zeros_like(blob)) is None
    publisher.close()
    subscriber.close()


@pytest.mark.parametrize("values", [np.ones(5, np.float32), np.ones(4), np.ones((4, 1), np.float32)])
def test_publish_of_another_size_or_type_is_refused(endpoint: Endpoint, values: Any) -> None:
    publisher = ParameterPublisher(endpoint, 4)
    with pytest.raises(ValueError, match="4 float32"):
        publisher.publish(1, 1, values)
    publisher.close()


def test_ends_of_different_sizes_are_refused_naming_both(endpoint: Endpoint) -> None:
    publisher = ParameterPublisher(endpoint, 4)
    with pytest.raises(TransportError, match=r"this side has size=5, the other side has size=4"):
        ParameterSubscriber(endpoint, 5)
    publisher.close()


def test_second_publisher_is_refused(endpoint: Endpoint) -> None:
    publisher = ParameterPublisher(endpoint, 4)
    with pytest.raises(TransportError, match=r"parameters has no room for another publisher"):
        ParameterPublisher(endpoint, 4)
    publisher.close()


def test_publisher_allocates_its_memory_at_once(domain: str) -> None:
    endpoint = Endpoint(domain, "learner")
    before = segments(domain)
    ParameterPublisher(endpoint, 1_000_000)
    made = [path.stat() for path in segments(domain) - before if path.suffix == ".data"]
    assert made and all(512 * status.st_blocks >= status.st_size for status in made)
    endpoint.close()


def segments(domain: str) -> set[Path]:
    return set(SHARED_MEMORY.glob(f"async_rl-*-{domain}-*"))
