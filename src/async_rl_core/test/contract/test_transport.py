"""The guarantees of `transport/`: every implementation passes these tests."""

import itertools
import os
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from async_rl_core.agent.outbox import Outbox
from async_rl_core.config.load import resolve
from async_rl_core.errors import TransportError
from async_rl_core.replay.replay import Replay
from async_rl_core.spec.batch import Batch, BatchLayout
from async_rl_core.spec.observation import ImageSpec, ObservationSpec, StatePart
from async_rl_core.spec.sizes import StepSizes
from async_rl_core.spec.step import Step
from async_rl_core.transport.batches import BatchSink, BatchSource
from async_rl_core.transport.parameters import ParameterReceiver, ParameterSender
from async_rl_core.transport.shared_memory.batches import BatchClient, BatchServer
from async_rl_core.transport.shared_memory.parameters import ParameterPublisher, ParameterSubscriber
from async_rl_core.transport.shared_memory.service import Endpoint
from async_rl_core.transport.shared_memory.steps import StepIntake, StepLayout, StepPublisher
from async_rl_core.transport.steps import StepReceiver, StepSender

SIZES = StepSizes(height=4, width=6, state=5, action=2)
LAYOUT = BatchLayout(3, ObservationSpec(ImageSpec(4, 6, 9), (StatePart("joint_position", 5, "rad"),)), 2)
PARAMETERS = 1000
_numbers = itertools.count()


class SharedMemory:
    """Makes ends in one domain."""

    def __init__(self, sizes: StepSizes = SIZES) -> None:
        self._endpoint = Endpoint(f"contract{os.getpid()}_{next(_numbers)}", "test")
        self._steps = StepLayout(sizes.height, sizes.width, sizes.state, sizes.action, 3 if sizes.has_frames else 0)

    def step_sender(self, actor: str = "") -> StepSender:
        return StepPublisher(self._endpoint, self._steps, actor)

    def step_receiver(self, durable: Callable[[str], int] = lambda actor: -1) -> StepReceiver:
        return StepIntake(self._endpoint, self._steps, durable)

    def parameter_sender(self) -> ParameterSender:
        return ParameterPublisher(self._endpoint, PARAMETERS)

    def parameter_receiver(self) -> ParameterReceiver:
        return ParameterSubscriber(self._endpoint, PARAMETERS)

    def batch_source(self, in_flight: int) -> BatchSource:
        return BatchClient(self._endpoint, LAYOUT, in_flight)

    def batch_sink(self, reprioritise: Callable[..., None]) -> BatchSink:
        return BatchServer(self._endpoint, LAYOUT, reprioritise)

    def close(self) -> None:
        self._endpoint.close()


IMPLEMENTATIONS = [SharedMemory]


@pytest.fixture(params=IMPLEMENTATIONS)
def implementation(request: pytest.FixtureRequest) -> type[SharedMemory]:
    found: type[SharedMemory] = request.param
    return found


@pytest.fixture
def transport(implementation: type[SharedMemory]) -> Iterator[SharedMemory]:
    transport = implementation()
    yield transport
    transport.close()


def make_step(sequence: int, actor: str = "", sizes: StepSizes = SIZES) -> Step:
    """Returns a step whose every value tells its number."""
    frames = np.full((1 if sizes.has_frames else 0, sizes.height, sizes.width, 3), sequence % 251, np.uint8)
    state, action = np.full(sizes.state, sequence, np.float32), np.full(sizes.action, -sequence, np.float32)
    return Step(actor, sequence, sequence // 10, sequence % 10, frames, state, action, sequence / 2, False)


def received(receiver: StepReceiver) -> list[Step]:
    return list(iter(receiver.receive, None))


def names(steps: list[Step]) -> list[tuple[str, int]]:
    return [(step.actor, step.sequence) for step in steps]


def assert_equal(step: Step, expected: Step) -> None:
    for name in ("frames", "state", "action"):
        np.testing.assert_array_equal(getattr(step, name), getattr(expected, name))
        assert getattr(step, name).shape == getattr(expected, name).shape
    for name in ("actor", "sequence", "episode", "index", "reward", "terminal"):
        assert getattr(step, name) == getattr(expected, name)


@pytest.mark.parametrize("sizes", [SIZES, StepSizes(0, 0, 5, 2)], ids=["camera", "state only"])
def test_step_arrives_as_it_was_sent(implementation: type[SharedMemory], sizes: StepSizes) -> None:
    transport = implementation(sizes)
    receiver, sender = transport.step_receiver(), transport.step_sender()
    receiver.acknowledge()
    assert sender.newest_ack() is not None
    assert all(sender.send(make_step(i, sizes=sizes)) for i in range(5))
    steps = received(receiver)
    assert names(steps) == [("", i) for i in range(5)]
    for step in steps:
        assert_equal(step, make_step(step.sequence, sizes=sizes))
    transport.close()


def test_step_without_a_receiver_is_refused_and_sent_later(transport: SharedMemory) -> None:
    sender = transport.step_sender()
    outbox = Outbox(sender.send, sender.newest_ack)
    for i in range(5):
        outbox.put(make_step(i))
        outbox.flush()
    assert len(outbox) == 5
    receiver = transport.step_receiver()
    outbox.flush()
    assert names(received(receiver)) == [("", i) for i in range(5)]


def test_step_beyond_the_buffer_is_refused_and_sent_later(transport: SharedMemory) -> None:
    receiver, sender = transport.step_receiver(), transport.step_sender()
    outbox, steps = Outbox(sender.send, sender.newest_ack), []
    receiver.acknowledge()
    for i in range(1000):
        outbox.put(make_step(i))
        outbox.flush()
    assert 0 < len(outbox) < 1000
    while len(steps) < 1000:
        steps += received(receiver)
        outbox.flush()
    assert names(steps) == [("", i) for i in range(1000)]
    assert outbox.lost == 0


def test_unacknowledged_step_is_sent_again_to_a_successor(transport: SharedMemory) -> None:
    durable = {"": -1}
    first, sender = transport.step_receiver(durable.__getitem__), transport.step_sender()
    first.acknowledge()
    outbox = Outbox(sender.send, sender.newest_ack)
    for i in range(8):
        outbox.put(make_step(i))
    outbox.flush()
    assert len(received(first)) == 8
    durable[""] = 4
    first.acknowledge()
    first.close()
    second = transport.step_receiver(durable.__getitem__)
    outbox.flush()
    outbox.put(make_step(8))
    outbox.flush()
    assert names(received(second)) == [("", i) for i in range(5, 9)]


def test_replay_discards_a_step_that_arrives_twice(transport: SharedMemory) -> None:
    overrides = {"camera.width": 64, "camera.height": 48, "replay.capacity": 1000, "agent.initial_steps": 0}
    config = resolve("laptop", overrides | {"replay.journal": False})
    sizes, replay = StepSizes.from_config(config), Replay(config)
    wide = type(transport)(sizes)
    sender = wide.step_sender()
    outbox = Outbox(sender.send, sender.newest_ack)
    for i in range(6):
        outbox.put(make_step(i, sizes=sizes))
    for repeated in (0, 6):
        receiver = wide.step_receiver()
        outbox.flush()
        for step in received(receiver):
            replay.insert(step)
        assert (len(replay.store), replay.repeated) == (5, repeated)
        receiver.close()
    wide.close()


def test_actors_are_acknowledged_apart(transport: SharedMemory) -> None:
    durable = {"": -1, "left": 3, "lab/right": -1}
    senders = {actor: transport.step_sender(actor) for actor in ("left", "lab/right")}
    receiver = transport.step_receiver(durable.__getitem__)
    assert sorted(receiver.actors) == ["", "lab/right", "left"]
    acks = {actor: sender.newest_ack() for actor, sender in senders.items()}
    assert {actor: ack.sequence for actor, ack in acks.items() if ack is not None} == {"left": 3, "lab/right": -1}
    assert senders["left"].send(make_step(4, "left"))
    assert senders["lab/right"].send(make_step(0, "lab/right"))
    assert senders["left"].send(make_step(5, "left"))
    steps = received(receiver)
    assert sorted(names(steps)) == [("lab/right", 0), ("left", 4), ("left", 5)]
    for step in steps:
        assert_equal(step, make_step(step.sequence, step.actor))
    durable["lab/right"] = 0
    receiver.acknowledge()
    acks = {actor: sender.newest_ack() for actor, sender in senders.items()}
    assert {actor: ack.sequence for actor, ack in acks.items() if ack is not None} == {"left": 3, "lab/right": 0}


def test_actor_that_joins_later_is_found(transport: SharedMemory) -> None:
    receiver = transport.step_receiver()
    receiver.acknowledge()
    sender = transport.step_sender("left")
    assert sender.newest_ack() is None
    receiver.acknowledge()
    assert sender.newest_ack() is not None
    assert sender.send(make_step(0, "left"))
    assert names(received(receiver)) == [("left", 0)]


def test_second_sender_of_an_actor_is_refused(transport: SharedMemory) -> None:
    sender = transport.step_sender("left")
    with pytest.raises(TransportError, match=r"steps/left"):
        transport.step_sender("left")
    assert sender.newest_ack() is None


def test_step_of_another_actor_or_size_is_refused(transport: SharedMemory) -> None:
    receiver, sender = transport.step_receiver(), transport.step_sender()
    receiver.acknowledge()
    assert sender.newest_ack() is not None
    with pytest.raises(ValueError, match="actor 'left'"):
        sender.send(make_step(0, "left"))
    with pytest.raises(ValueError, match="does not fit"):
        sender.send(replace(make_step(0), state=np.zeros(6, np.float32)))
    assert receiver.receive() is None


def test_newest_parameters_win_and_are_returned_once(transport: SharedMemory) -> None:
    sender, receiver = transport.parameter_sender(), transport.parameter_receiver()
    assert receiver.newest() is None
    for version in range(1, 6):
        sender.publish(version, 10 * version, np.full(PARAMETERS, version, np.float32))
    newest = receiver.newest()
    assert newest is not None
    assert (newest.version, newest.updates) == (5, 50)
    assert (newest.values == 5).all()
    assert receiver.newest() is None


def test_parameters_in_use_stay_whole_while_newer_ones_are_published(transport: SharedMemory) -> None:
    sender, receiver = transport.parameter_sender(), transport.parameter_receiver()
    for last in range(1, 30):
        sender.publish(last, last, np.full(PARAMETERS, last, np.float32))
        held = receiver.newest()
        assert held is not None
        for version in range(100, 105):
            sender.publish(version, 0, np.full(PARAMETERS, version, np.float32))
        assert (held.values == last).all()
        assert not held.values.flags.writeable
        newest = receiver.newest()
        assert newest is not None
        assert newest.version == 104


def test_parameter_receiver_that_joins_later_has_the_newest(transport: SharedMemory) -> None:
    sender = transport.parameter_sender()
    sender.publish(7, 70, np.full(PARAMETERS, 7, np.float32))
    receiver = transport.parameter_receiver()
    sender.refresh()
    newest = receiver.newest()
    assert newest is not None
    assert newest.version == 7


@pytest.mark.parametrize("size", [PARAMETERS - 1, PARAMETERS + 1])
def test_parameters_of_another_size_are_refused(transport: SharedMemory, size: int) -> None:
    sender, receiver = transport.parameter_sender(), transport.parameter_receiver()
    with pytest.raises(ValueError, match="float32"):
        sender.publish(1, 1, np.zeros(size, np.float32))
    assert receiver.newest() is None


def filler(number: int) -> Callable[[Batch], None]:
    def fill(batch: Batch) -> None:
        batch.buffer[:] = number
        batch.header[:] = number, 0, 0, 0

    return fill


@pytest.mark.parametrize("in_flight", [0, 1, 3])
def test_batches_arrive_whole_and_in_order(transport: SharedMemory, in_flight: int) -> None:
    told: list[tuple[int, float]] = []
    sink = transport.batch_sink(lambda index, td_error: told.append((int(index[0]), float(td_error[0]))))
    source = transport.batch_source(in_flight)
    assert not sink.serve(filler(0))
    for number in range(10):
        batch = source.receive(0.0)
        while batch is None:
            assert sink.serve(filler(number))
            batch = source.receive(60.0)
        assert batch.number == number
        assert (batch.observation_images == number).all() and (batch.next_images == number).all()
        source.reprioritise(np.full(3, number, np.uint64), np.full(3, number, np.float32))
    assert sink.waiting == max(0, in_flight)
    assert told == [(number, float(number)) for number in range(len(told))]


def test_request_to_a_dead_server_is_repeated_to_its_successor(transport: SharedMemory) -> None:
    told: list[int] = []
    first, source = transport.batch_sink(lambda index, td_error: None), transport.batch_source(1)
    assert source.receive(0.0) is None
    assert first.serve(filler(1))
    assert source.receive(60.0) is not None
    source.reprioritise(np.arange(3, dtype=np.uint64), np.ones(3, np.float32))
    first.close()
    second = transport.batch_sink(lambda index, td_error: told.append(len(index)))
    while not second.serve(filler(2)):
        assert source.receive(0.0) is None
    batch = source.receive(60.0)
    assert batch is not None
    assert batch.number == 2
    assert not told, "the numbers of another store's transitions"
