import os
import signal
from collections.abc import Callable
from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from async_rl_core.agent.outbox import Outbox
from async_rl_core.config.load import resolve
from async_rl_core.errors import ConfigError, TransportError
from async_rl_core.spec.step import SINGLE_ACTOR, Step
from async_rl_core.transport.shared_memory.domain import SHARED_MEMORY
from async_rl_core.transport.shared_memory.service import Endpoint
from async_rl_core.transport.shared_memory.steps import (
    MAX_BUFFERED,
    StepIntake,
    StepLayout,
    StepPublisher,
    StepSubscriber,
)


def assert_equal(one: Step, other: Step) -> None:
    for name in ("sequence", "episode", "index", "reward", "terminal"):
        assert getattr(one, name) == getattr(other, name)
    for name in ("frames", "state", "action"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


@given(
    counts=st.tuples(st.integers(0, 2**62), st.integers(0, 2**62), st.integers(0, 2**62)),
    frames=st.integers(0, 3),
    sizes=st.tuples(st.integers(1, 6), st.integers(1, 6), st.integers(0, 9), st.integers(0, 4)),
    reward=st.floats(allow_nan=False),
    terminal=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_layout_reads_the_written_step(
    counts: tuple[int, int, int],
    frames: int,
    sizes: tuple[int, int, int, int],
    reward: float,
    terminal: bool,
    seed: int,
) -> None:
    rng = np.random.default_rng(seed)
    layout = StepLayout(*sizes, frames=3)
    pixels = rng.integers(0, 256, (frames, sizes[0], sizes[1], 3), dtype=np.uint8)
    step = Step(
        SINGLE_ACTOR,
        *counts,
        pixels,
        rng.random(sizes[2], np.float32),
        rng.random(sizes[3], np.float32),
        reward,
        terminal,
    )
    buffer = np.full(layout.nbytes, 255, np.uint8)
    layout.write(step, 2**64 - 1, buffer)
    assert_equal(layout.read(buffer), step)
    assert layout.store(buffer) == 2**64 - 1


def test_layout_refuses_garbage(peers: ModuleType) -> None:
    with pytest.raises(ValueError, match="frames in a service of 3"):
        peers.STEPS.read(np.full(peers.STEPS.nbytes, 255, np.uint8))


def connected(endpoint: Endpoint, peers: ModuleType) -> tuple[StepPublisher, StepSubscriber]:
    """Both sides, in one process, once the agent's has heard replay's."""
    subscriber, publisher = StepSubscriber(endpoint, peers.STEPS), StepPublisher(endpoint, peers.STEPS)
    subscriber.acknowledge(-1)
    assert publisher.newest_ack() is not None
    return publisher, subscriber


def test_send_without_a_subscriber_returns_false(endpoint: Endpoint, peers: ModuleType) -> None:
    publisher = StepPublisher(endpoint, peers.STEPS)
    assert publisher.newest_ack() is None
    assert not publisher.send(peers.make_step(0))
    subscriber = StepSubscriber(endpoint, peers.STEPS)
    publisher.newest_ack()
    subscriber.close()
    assert not publisher.send(peers.make_step(0))
    publisher.close()


def test_send_to_a_full_buffer_returns_false_and_loses_no_step(endpoint: Endpoint, peers: ModuleType) -> None:
    publisher, subscriber = connected(endpoint, peers)
    sent = [publisher.send(peers.make_step(i)) for i in range(MAX_BUFFERED + 5)]
    assert sent == [True] * MAX_BUFFERED + [False] * 5
    assert_equal(subscriber.receive(), peers.make_step(0))  # type: ignore[arg-type]
    assert publisher.send(peers.make_step(MAX_BUFFERED))
    for i in range(1, MAX_BUFFERED + 1):
        assert_equal(subscriber.receive(), peers.make_step(i))  # type: ignore[arg-type]
    assert subscriber.receive() is None
    publisher.close()
    subscriber.close()


def test_slow_subscriber_receives_every_step_in_order(
    endpoint: Endpoint, peers: ModuleType, start_peer: Callable[[str], Any]
) -> None:
    publisher, reader = StepPublisher(endpoint, peers.STEPS), start_peer("steps")
    outbox, got = Outbox(publisher.send, publisher.newest_ack), []
    for i in range(1000):
        outbox.put(peers.make_step(i, frames=1 + i % 3))
        outbox.flush()
        if i % 10 == 9:
            got += reader.ask(3).split()
    while len(got) < 1000:
        outbox.flush()
        got += reader.ask(min(8, 1000 - len(got))).split()
    assert [int(number) for number in got] == list(range(1000))
    assert (outbox.sent, outbox.lost, len(outbox)) == (1000, 0, 0)
    publisher.close()


def test_stopped_subscriber_never_blocks_the_agent(
    endpoint: Endpoint, peers: ModuleType, start_peer: Callable[[str], Any]
) -> None:
    publisher, reader = StepPublisher(endpoint, peers.STEPS), start_peer("steps")
    os.kill(reader.process.pid, signal.SIGSTOP)
    outbox = Outbox(publisher.send, publisher.newest_ack)
    for i in range(2 * MAX_BUFFERED):
        outbox.put(peers.make_step(i))
        outbox.flush()
    assert outbox.sent == MAX_BUFFERED
    os.kill(reader.process.pid, signal.SIGCONT)
    got = reader.ask(MAX_BUFFERED).split()
    while len(outbox):
        outbox.flush()
    got += reader.ask(MAX_BUFFERED).split()
    assert [int(number) for number in got] == list(range(2 * MAX_BUFFERED))
    publisher.close()


def test_step_for_a_predecessor_is_ignored_and_sent_again(endpoint: Endpoint, peers: ModuleType) -> None:
    publisher, first = connected(endpoint, peers)
    outbox = Outbox(publisher.send, publisher.newest_ack)
    for i in range(3):
        outbox.put(peers.make_step(i))
    outbox.flush()
    assert first.receive().sequence == 0  # type: ignore[union-attr]
    first.acknowledge(0)
    first.close()
    second = StepSubscriber(endpoint, peers.STEPS, durable=0)
    assert publisher.send(peers.make_step(3)), "the successor was not heard yet"
    assert second.receive() is None
    outbox.flush()
    assert [second.receive().sequence for _ in range(2)] == [1, 2]  # type: ignore[union-attr]
    assert second.receive() is None
    publisher.close()
    second.close()


def test_killed_subscribers_lose_no_step(
    endpoint: Endpoint, peers: ModuleType, start_peer: Callable[[str], Any]
) -> None:
    """Each takes some steps, acknowledges fewer and is killed; `have` counts the acknowledged."""
    publisher, have, number = StepPublisher(endpoint, peers.STEPS), -1, 0
    outbox = Outbox(publisher.send, publisher.newest_ack)
    for taken, acknowledged in ((5, 3), (1, 0), (9, 9), (4, 1)):
        reader = start_peer(f"steps:{have}")
        for _ in range(10):
            outbox.put(peers.make_step(number))
            number += 1
        outbox.flush(100)
        assert reader.ask(taken) == " ".join(str(have + 1 + i) for i in range(taken))
        have += acknowledged
        assert reader.ask(f"acknowledge {have}") == "acknowledged"
        reader.kill()
        outbox.flush(100)
    reader = start_peer(f"steps:{have}")
    outbox.flush(100)
    left = number - 1 - have
    assert reader.ask(left) == " ".join(str(have + 1 + i) for i in range(left))
    assert (outbox.sent, outbox.lost, len(outbox)) == (number, 0, 0)
    publisher.close()


def test_publisher_of_a_killed_agent_can_be_replaced(
    domain: str, peers: ModuleType, start_peer: Callable[[str], Any]
) -> None:
    reader = start_peer("steps")
    for i in range(3):
        endpoint = Endpoint(domain, "agent")
        publisher = StepPublisher(endpoint, peers.STEPS)
        assert reader.ask("acknowledge -1") == "acknowledged"  # repeated for agents that joined
        assert publisher.newest_ack() is not None
        assert publisher.send(peers.make_step(i))
        assert reader.ask(1) == str(i)
        publisher.close()
        endpoint.close()


def test_send_of_an_unfit_step_is_refused_and_the_next_arrives(endpoint: Endpoint, peers: ModuleType) -> None:
    publisher, subscriber = connected(endpoint, peers)
    with pytest.raises(ValueError, match="does not fit"):
        publisher.send(peers.make_step(0, frames=4))
    assert publisher.send(peers.make_step(1))
    assert subscriber.receive().sequence == 1  # type: ignore[union-attr]
    publisher.close()
    subscriber.close()


def test_second_publisher_of_an_actor_is_refused(endpoint: Endpoint, peers: ModuleType) -> None:
    publisher = StepPublisher(endpoint, peers.STEPS)
    with pytest.raises(TransportError, match=r"steps has no room for another publisher .* held by test, pid \d+"):
        StepPublisher(endpoint, peers.STEPS)
    publisher.close()


def test_ends_of_different_sizes_are_refused_naming_both(endpoint: Endpoint, peers: ModuleType) -> None:
    publisher = StepPublisher(endpoint, peers.STEPS)
    other = replace(peers.STEPS, height=90, width=160)
    with pytest.raises(TransportError, match=r"this side has height=90 width=160.*other side has height=9 width=16"):
        StepSubscriber(endpoint, other)
    publisher.close()


@pytest.mark.parametrize("preset", ["laptop", "yuan2022_baseline", "yuan2022_high_resolution"])
def test_buffer_of_every_preset_holds_the_most_steps(preset: str) -> None:
    assert StepLayout.from_config(resolve(preset, {})).buffered == MAX_BUFFERED


def test_intake_refuses_an_actor_of_other_sizes_and_takes_it_once_restarted(
    endpoint: Endpoint, peers: ModuleType
) -> None:
    left = StepPublisher(endpoint, replace(peers.STEPS, height=90, width=160), "left")
    right = StepPublisher(endpoint, peers.STEPS, "right")
    intake = StepIntake(endpoint, peers.STEPS, lambda actor: -1)
    assert intake.actors == [SINGLE_ACTOR, "right"]
    assert list(intake.refused) == ["left"]
    assert "this side has height=9 width=16" in intake.refused["left"]
    assert right.newest_ack() is not None
    left.close()
    left = StepPublisher(endpoint, peers.STEPS, "left")
    intake.acknowledge()
    assert not intake.refused
    assert left.newest_ack() is not None
    for actor, publisher in (("left", left), ("right", right)):
        assert publisher.send(replace(peers.make_step(0), actor=actor))
    assert {(step.actor, step.sequence) for step in iter(intake.receive, None)} == {("left", 0), ("right", 0)}


@pytest.mark.parametrize("name", ["/left", "left/", "1st", "a b", "..", "x" * 61, "left//arm"])
def test_publisher_of_an_actor_that_is_no_namespace_is_refused(
    endpoint: Endpoint, peers: ModuleType, name: str
) -> None:
    with pytest.raises(ConfigError, match="use a ROS namespace of at most 60"):
        StepPublisher(endpoint, peers.STEPS, name)


def test_publisher_without_camera_takes_little_shared_memory(
    endpoint: Endpoint, domain: str, peers: ModuleType
) -> None:
    def taken() -> int:
        return sum(path.stat().st_blocks for path in SHARED_MEMORY.glob(f"async_rl-*-{domain}-*")) * 512

    before = taken()
    StepPublisher(endpoint, replace(peers.STEPS, height=0, width=0, frames=0))
    assert taken() - before < 1_500_000
