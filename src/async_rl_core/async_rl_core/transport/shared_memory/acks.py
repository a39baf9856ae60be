"""What replay has, said to the agent, so that the agent can keep the rest."""

import time
from typing import Any, NamedTuple

import iceoryx2 as iox2
import numpy as np

from async_rl_core.spec.step import SINGLE_ACTOR
from async_rl_core.transport.shared_memory.payload import WORDS, view, words
from async_rl_core.transport.shared_memory.port import Port
from async_rl_core.transport.shared_memory.service import MAX_NODES, Endpoint, of_actor

WHAT = "acks"
_DTYPE = np.dtype([("store", "<u8"), ("sequence", "<i8")])


class Ack(NamedTuple):
    """Steps up to `sequence` need not be sent again, whatever becomes of the process that says so."""

    store: int
    """Tells one replay process from its successors, which have larger numbers."""
    sequence: int
    """-1: none yet."""


def _service(endpoint: Endpoint, actor: str) -> Any:
    def build(builder: Any) -> Any:
        service = builder.publish_subscribe(WORDS).max_nodes(MAX_NODES).max_publishers(1).max_subscribers(1)
        service = service.history_size(1).subscriber_max_buffer_size(1).subscriber_max_borrowed_samples(1)
        return service.enable_safe_overflow(True)

    return endpoint.service(of_actor(WHAT, actor), build, f"nbytes={_DTYPE.itemsize}")


class AckPublisher(Port):
    """Replay's side: the only one of its actor in the domain."""

    def __init__(self, endpoint: Endpoint, actor: str = SINGLE_ACTOR) -> None:
        super().__init__(endpoint, of_actor(WHAT, actor), "publisher")
        service = _service(endpoint, actor)
        builder = service.publisher_builder().initial_max_slice_len(words(_DTYPE.itemsize)).max_loaned_samples(1)
        self._open(builder.backpressure_strategy(iox2.BackpressureStrategy.DiscardData).create)
        self.store = time.monotonic_ns()
        """This process's number."""
        self._said: int | None = None

    def publish(self, sequence: int) -> None:
        """Say what is here, also to an agent that came since the last time. Never blocks."""
        if sequence == self._said:
            self._port.update_connections()
            return
        loan = self._port.loan_slice_uninit(words(_DTYPE.itemsize))
        view(loan, _DTYPE.itemsize).view(_DTYPE)[0] = (self.store, sequence)
        loan.assume_init().send()
        self._said = sequence


class AckSubscriber(Port):
    """The agent's side."""

    def __init__(self, endpoint: Endpoint, actor: str = SINGLE_ACTOR) -> None:
        super().__init__(endpoint, of_actor(WHAT, actor), "subscriber")
        service = _service(endpoint, actor)
        self._open(lambda: service.subscriber_builder().buffer_size(1).create())
        self._newest: Ack | None = None

    def newest(self) -> Ack | None:
        """What was said last; None where nobody said anything yet. Never blocks."""
        while (sample := self._port.receive()) is not None:
            receipt = Ack(*view(sample, _DTYPE.itemsize).view(_DTYPE)[0].tolist())
            sample.delete()
            if self._newest is None or receipt > self._newest:  # the last word of a dead process may come late
                self._newest = receipt
        return self._newest
