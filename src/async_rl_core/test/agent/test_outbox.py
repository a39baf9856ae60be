import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from async_rl_core.agent import outbox as module
from async_rl_core.agent.outbox import Outbox
from async_rl_core.replay.step import Step


def step(sequence: int) -> Step:
    empty = np.zeros(0, np.float32)
    return Step(sequence, 1, sequence, np.zeros((1, 1, 1, 3), np.uint8), empty, empty, 0.0, False)


@given(st.lists(st.booleans(), max_size=300))
def test_nothing_is_lost_and_order_is_kept_while_replay_comes_and_goes(takes: list[bool]) -> None:
    received: list[int] = []
    taking = True

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


def test_a_cycle_sends_a_bounded_number() -> None:
    accepted: list[Step] = []
    outbox = Outbox(lambda item: not accepted.append(item))
    for i in range(100):
        outbox.put(step(i))
    outbox.flush()
    assert len(accepted) == module.PER_CYCLE


def test_a_full_outbox_loses_the_oldest_and_counts_it() -> None:
    outbox = Outbox(lambda _: False)
    for i in range(module.CAPACITY + 3):
        outbox.put(step(i))
    outbox.flush()
    assert (len(outbox), outbox.lost, outbox.sent) == (module.CAPACITY, 3, 0)
