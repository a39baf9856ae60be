from collections.abc import Callable
from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from async_rl_core.errors import TransportError
from async_rl_core.spec.observation import ImageSpec
from async_rl_core.transport.shared_memory.batches import MAX_AHEAD, BatchClient, BatchServer
from async_rl_core.transport.shared_memory.domain import SHARED_MEMORY
from async_rl_core.transport.shared_memory.service import Endpoint
from async_rl_core.transport.shared_memory.steps import REPLAY
from async_rl_core.transport.shared_memory.wakeup import Listener


@pytest.mark.parametrize("in_flight", range(MAX_AHEAD + 1))
def test_batches_of_another_process_arrive_whole_and_in_order(
    endpoint: Endpoint, peers: ModuleType, start_peer: Callable[[str], Any], in_flight: int
) -> None:
    server, client = start_peer("server"), BatchClient(endpoint, peers.BATCHES, in_flight)
    server.say(200)
    for number in range(200 - in_flight):
        batch = client.receive(60.0)
        assert batch is not None
        assert batch.number == number
        assert (batch.buffer[64:] == number % 251).all()
    client.close()


@pytest.mark.parametrize("in_flight", range(MAX_AHEAD + 1))
def test_client_requests_in_flight_batches_ahead(endpoint: Endpoint, peers: ModuleType, in_flight: int) -> None:
    server, client = BatchServer(endpoint, peers.BATCHES), BatchClient(endpoint, peers.BATCHES, in_flight)
    assert client.receive(0.0) is None
    assert server.waiting == max(1, in_flight)
    assert server.serve(lambda batch: peers.fill(batch, 5))
    batch = client.receive(60.0)
    assert batch is not None
    assert batch.number == 5
    assert server.waiting == in_flight
    client.close()
    server.close()


@pytest.mark.parametrize("in_flight", range(MAX_AHEAD + 1))
def test_server_allocates_its_memory_at_once(
    endpoint: Endpoint, domain: str, peers: ModuleType, in_flight: int
) -> None:
    observation = replace(peers.BATCHES.observation, image=ImageSpec(height=60, width=100, channels=9))
    layout = replace(peers.BATCHES, batch_size=64, observation=observation)
    server = BatchServer(endpoint, layout, in_flight=in_flight)
    ours = SHARED_MEMORY.glob(f"async_rl-*-{domain}-*")  # other tests' come and go meanwhile
    [segment] = [path for path in ours if path.stat().st_size > layout.nbytes]
    had = segment.stat().st_blocks
    assert layout.nbytes < 512 * had < segment.stat().st_size
    for _ in range(3):  # learners, each after the other
        client = BatchClient(endpoint, layout, in_flight)
        for _ in range(20):
            client.receive(0.0)
            while server.serve(lambda batch: batch.buffer.fill(7)):
                pass
        client.close()
    assert segment.stat().st_blocks == had
    server.close()


def test_request_waits_until_it_is_answered(endpoint: Endpoint, peers: ModuleType) -> None:
    server, client = BatchServer(endpoint, peers.BATCHES), BatchClient(endpoint, peers.BATCHES, 0)
    for _ in range(5):
        assert client.receive(0.0) is None
        assert server.waiting == 1
    assert server.serve(lambda batch: peers.fill(batch, 1))
    assert client.receive(60.0) is not None
    assert not server.serve(lambda batch: peers.fill(batch, 2))
    client.close()
    server.close()


def test_request_wakes_the_server_and_response_the_client(endpoint: Endpoint, peers: ModuleType) -> None:
    listener = Listener(endpoint, REPLAY)
    server, client = BatchServer(endpoint, peers.BATCHES), BatchClient(endpoint, peers.BATCHES, 0)
    assert client.receive(0.0) is None
    assert listener.wait(60.0)
    server.serve(lambda batch: peers.fill(batch, 1))
    assert client._listener.wait(60.0)
    for port in (client, server, listener):
        port.close()


def test_received_batch_is_read_only_and_stays_while_others_are_filled(endpoint: Endpoint, peers: ModuleType) -> None:
    server, client = BatchServer(endpoint, peers.BATCHES), BatchClient(endpoint, peers.BATCHES, MAX_AHEAD)
    client.receive(0.0)
    server.serve(lambda batch: peers.fill(batch, 10))
    batch = client.receive(60.0)
    assert batch is not None
    for number in range(MAX_AHEAD):
        server.serve(lambda batch, number=number: peers.fill(batch, 100 + number))  # type: ignore[misc]
    assert (batch.buffer[64:] == 10).all()
    with pytest.raises(ValueError, match="read-only"):
        batch.reward[0] = 1.0
    client.close()
    server.close()


def test_failed_fill_keeps_the_request(endpoint: Endpoint, peers: ModuleType) -> None:
    server, client = BatchServer(endpoint, peers.BATCHES), BatchClient(endpoint, peers.BATCHES, 0)
    client.receive(0.0)

    def fail(batch: object) -> None:
        raise ZeroDivisionError

    for _ in range(10):
        with pytest.raises(ZeroDivisionError):
            server.serve(fail)
    assert server.serve(lambda batch: peers.fill(batch, 3))
    assert client.receive(60.0) is not None
    client.close()
    server.close()


def test_client_without_a_server_waits_its_timeout(endpoint: Endpoint, peers: ModuleType) -> None:
    client = BatchClient(endpoint, peers.BATCHES, 1)
    assert client.receive(0.01) is None
    client.close()


@pytest.mark.parametrize("in_flight", [0, 2])
def test_client_of_a_killed_server_requests_from_its_successor(
    endpoint: Endpoint, peers: ModuleType, start_peer: Callable[[str], Any], in_flight: int
) -> None:
    client = BatchClient(endpoint, peers.BATCHES, in_flight)
    for _ in range(3):
        server = start_peer("server")
        server.say(3)
        for _ in range(3):
            assert client.receive(60.0) is not None
        assert server.hear() == "3"
        server.kill()
        client.receive(0.0)
    client.close()


def test_requests_of_a_killed_client_are_discarded(
    endpoint: Endpoint, peers: ModuleType, start_peer: Callable[[str], Any]
) -> None:
    server, learner = BatchServer(endpoint, peers.BATCHES), start_peer("client")
    assert learner.ask("go") == "requested"
    assert server.waiting == 3
    learner.kill()
    client = BatchClient(endpoint, peers.BATCHES, 0)
    client.receive(0.0)
    assert server.waiting == 1
    assert server.serve(lambda batch: peers.fill(batch, 9))
    assert client.receive(60.0) is not None
    client.close()
    server.close()


def test_requests_of_a_closed_client_are_discarded(endpoint: Endpoint, peers: ModuleType) -> None:
    server, client = BatchServer(endpoint, peers.BATCHES), BatchClient(endpoint, peers.BATCHES, 3)
    client.receive(0.0)
    assert server.waiting == 3
    client.close()
    assert server.waiting == 0
    server.close()


@pytest.mark.parametrize(("port", "role"), [(BatchServer, "server"), (BatchClient, "client")])
def test_second_port_of_its_kind_is_refused(endpoint: Endpoint, peers: ModuleType, port: Any, role: str) -> None:
    arguments = (0,) if port is BatchClient else ()
    first = port(endpoint, peers.BATCHES, *arguments)
    with pytest.raises(TransportError, match=rf"batches has no room for another {role} .*ROS_DOMAIN_ID"):
        port(endpoint, peers.BATCHES, *arguments)
    first.close()


def test_ends_of_different_sizes_are_refused_naming_both(
    endpoint: Endpoint, peers: ModuleType, start_peer: Callable[[str], Any]
) -> None:
    server = start_peer("server")
    message = rf"this side has batch_size=64 .*other side has batch_size=4 .*pid {server.process.pid}"
    with pytest.raises(TransportError, match=message):
        BatchClient(endpoint, replace(peers.BATCHES, batch_size=64), 0)


def test_client_with_too_many_in_flight_is_refused(endpoint: Endpoint, peers: ModuleType) -> None:
    with pytest.raises(ValueError, match="0 to 3"):
        BatchClient(endpoint, peers.BATCHES, MAX_AHEAD + 1)


@pytest.mark.parametrize("in_flight", range(MAX_AHEAD + 1))
def test_td_errors_are_sent_with_the_next_request(endpoint: Endpoint, peers: ModuleType, in_flight: int) -> None:
    said: list[tuple[list[int], list[float]]] = []
    server = BatchServer(endpoint, peers.BATCHES, lambda index, error: said.append((index.tolist(), error.tolist())))
    client = BatchClient(endpoint, peers.BATCHES, in_flight)
    client.receive(0.0)
    for number in range(20):
        server.serve(lambda batch, number=number: peers.fill(batch, number))  # type: ignore[misc]
        assert len(said) == max(0, number - min(1, in_flight)), "the last ones wait for the next request"
        batch = client.receive(60.0)
        assert batch is not None
        client.reprioritise(batch.index, np.full(4, number, np.float32))
        if in_flight == 0:
            client.receive(0.0)
            assert server.waiting == 1
    expected = [[number] * 4 for number in range(20)]
    assert [errors for _, errors in said] == expected[: len(said)]
    assert len({tuple(index) for index, _ in said}) == len(said) >= 18
    client.close()
    server.close()


def test_td_errors_are_not_sent_to_a_successor(endpoint: Endpoint, peers: ModuleType) -> None:
    client, said = BatchClient(endpoint, peers.BATCHES, 1), []
    for _ in range(3):
        server = BatchServer(endpoint, peers.BATCHES, lambda *errors: said.append(errors))
        while not server.serve(lambda batch: peers.fill(batch, 1)):
            assert client.receive(0.0) is None
        batch = client.receive(60.0)
        assert batch is not None
        client.reprioritise(batch.index, np.ones(4, np.float32))
        server.close()
    assert not said
    client.close()


def test_batch_arrives_as_it_was_filled(endpoint: Endpoint, peers: ModuleType) -> None:
    server, client = BatchServer(endpoint, peers.BATCHES), BatchClient(endpoint, peers.BATCHES, 0)
    expected = peers.BATCHES.allocate()
    expected.buffer[:] = np.random.default_rng(0).integers(0, 256, expected.buffer.size, dtype=np.uint8)
    client.receive(0.0)

    def copy(batch: Any) -> None:
        batch.buffer[:] = expected.buffer

    server.serve(copy)
    batch = client.receive(60.0)
    assert batch is not None
    for name in batch.__slots__:
        one, other = getattr(batch, name), getattr(expected, name)
        np.testing.assert_array_equal(one.view(np.uint8), other.view(np.uint8))
    client.close()
    server.close()
