from dataclasses import dataclass

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from async_rl_core.agent import outbox as module
from async_rl_core.agent.outbox import Outbox
from async_rl_core.spec.step import SINGLE_ACTOR, Step


@dataclass(frozen=True)
class Reply:
    store: int
    sequence: int


def step(sequence: int) -> Step:
    empty = np.zeros(0, np.float32)
    return Step(SINGLE_ACTOR, sequence, 1, sequence, np.zeros((1, 1, 1, 3), np.uint8), empty, empty, 0.0, False)


@given(takes=st.lists(st.booleans(), max_size=60))
def test_outbox_sends_every_step_once_and_in_order(takes: list[bool]) -> None:
    received: list[int] = []

    def send(item: Step) -> bool:
        if taking:
            received.append(item.sequence)
        return taking

    outbox = Outbox(send)
    for i, taking in enumerate(takes):  # noqa: B007  (send reads it)
        outbox.put(step(i))
        outbox.flush()
    taking = True
    outbox.flush(limit=len(takes))
    assert received == list(range(len(takes)))
    assert outbox.sent == len(takes)
    assert outbox.lost == 0


def test_flush_sends_a_bounded_number() -> None:
    accepted: list[Step] = []

    def send(item: Step) -> bool:
        accepted.append(item)
        return True

    outbox = Outbox(send)
    for i in range(100):
        outbox.put(step(i))
    outbox.flush()
    assert len(accepted) == module.PER_CYCLE


def test_held_step_is_sent_later_or_withdrawn_and_its_number_reused() -> None:
    accepted: list[int] = []
    outbox = Outbox(lambda item: not accepted.append(item.sequence))
    for i in range(5):
        outbox.put(step(i))
    outbox.held = 2
    outbox.flush()
    assert accepted == [0, 1, 2]
    assert len(outbox) == 0
    outbox.held = 1
    outbox.flush()
    assert accepted == [0, 1, 2, 3]
    outbox.withdraw()
    assert (outbox.sequence, outbox.held, outbox.withdrawn, outbox.lost) == (4, 0, 1, 0)
    outbox.put(step(4))
    outbox.flush()
    assert accepted == [0, 1, 2, 3, 4]
    assert outbox.sent == 5


def test_full_outbox_discards_the_oldest_and_counts_it() -> None:
    outbox = Outbox(lambda _: False)
    for i in range(module.CAPACITY + 3):
        outbox.put(step(i))
    outbox.flush()
    assert (len(outbox), outbox.lost, outbox.sent) == (module.CAPACITY, 3, 0)


def test_outbox_of_a_new_agent_continues_behind_the_acknowledged_step() -> None:
    received: list[int] = []
    outbox = Outbox(lambda item: not received.append(item.sequence), lambda: Reply(1, 41), sent=30)
    outbox.flush()
    for _ in range(2):
        outbox.put(step(outbox.sequence))
        outbox.flush()
    assert received == [42, 43]
    assert outbox.sent == 44


def test_acknowledgement_does_not_renumber_a_queued_step() -> None:
    outbox = Outbox(lambda _: True, lambda: Reply(1, 41))
    outbox.put(step(outbox.sequence))
    outbox.flush()
    assert outbox.sequence == 1


def test_full_outbox_drops_a_sent_step_without_loss() -> None:
    outbox = Outbox(lambda item: item.sequence < 10, lambda: Reply(1, -1))
    for i in range(module.CAPACITY + 12):
        outbox.put(step(i))
        outbox.flush()
    assert (len(outbox), outbox.lost, outbox.sent) == (module.CAPACITY, 2, 10)


class Replay:
    """A replay process and its successors: a death loses the steps that are not durable."""

    def __init__(self) -> None:
        self.store, self.heard = 1, Reply(1, -1)
        self.hands: list[tuple[int, int]] = []
        self.kept: list[int] = []
        self.takes = True

    def send(self, item: Step) -> bool:
        if self.takes:
            self.hands.append((self.heard.store, item.sequence))
        return self.takes

    def newest_ack(self) -> Reply:
        self.heard = Reply(self.store, self.kept[-1] if self.kept else -1)
        return self.heard

    def make_durable(self, count: int) -> None:
        for store, sequence in self.hands[:count]:
            if store == self.store:
                self.kept.append(sequence)
        del self.hands[:count]

    def die(self, hands: bool) -> None:
        """With the steps in its hands, or leaving them for the successor."""
        self.store += 1
        if hands:
            self.hands.clear()


EVENTS = st.lists(
    st.one_of(
        st.sampled_from(
            ["put", "put", "put", "flush", "flush", "make durable", "die", "die and drop", "busy", "ready"]
        ),
    ),
    max_size=80,
)


@given(events=EVENTS)
def test_outbox_loses_and_doubles_no_step_whenever_replay_dies(events: list[str]) -> None:
    replay = Replay()
    outbox = Outbox(replay.send, replay.newest_ack)
    put = 0
    for event in [*events, "ready"]:
        match event:
            case "put":
                outbox.put(step(put))
                put += 1
            case "flush":
                outbox.flush()
            case "make durable":
                replay.make_durable(2)
            case "die" | "die and drop":
                replay.die(hands=event == "die and drop")
            case "busy" | "ready":
                replay.takes = event == "ready"
        assert replay.kept == list(range(len(replay.kept)))
    while len(replay.kept) < put:
        outbox.flush()
        replay.make_durable(10)
    assert replay.kept == list(range(put))
    outbox.flush()
    assert (len(outbox), outbox.sent, outbox.lost) == (0, put, 0)
    assert not outbox._kept


def test_outbox_sends_nothing_before_the_first_acknowledgement() -> None:
    heard: list[Reply | None] = [None]
    outbox = Outbox(lambda _: heard[0] is not None, lambda: heard[0])
    outbox.put(step(0))
    outbox.flush()
    assert outbox.sent == 0
    heard[0] = Reply(5, -1)
    outbox.flush()
    assert outbox.sent == 1


def test_outbox_continues_the_count_of_the_run() -> None:
    outbox = Outbox(lambda _: True, sent=346)
    outbox.put(step(346))
    outbox.flush()
    assert outbox.sent == 347
