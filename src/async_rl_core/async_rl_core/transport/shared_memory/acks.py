"""Acknowledgements from replay to one agent through shared memory."""

import time
from typing import Any

import iceoryx2 as iox2
import numpy as np

from async_rl_core.spec.step import SINGLE_ACTOR
from async_rl_core.transport.shared_memory.payload import WORDS, view, words
from async_rl_core.transport.shared_memory.port import Port
from async_rl_core.transport.shared_memory.service import MAX_NODES, Endpoint, of_actor
from async_rl_core.transport.steps import Ack

WHAT = "acks"
_DTYPE = np.dtype([("store", "<u8"), ("sequence", "<i8")])


def _service(endpoint: Endpoint, actor: str) -> Any:
    def build(builder: Any) -> Any:
        service = builder.publish_subscribe(WORDS).max_nodes(MAX_NODES).max_publishers(1).max_subscribers(1)
        service = service.history_size(1).subscriber_max_buffer_size(1).subscriber_max_borrowed_samples(1)
        return service.enable_safe_overflow(True)

    return endpoint.service(of_actor(WHAT, actor), build, f"nbytes={_DTYPE.itemsize}")


class AckPublisher(Port):
    """The end of replay: the only one of its actor in the domain."""

    def __init__(self, endpoint: Endpoint, actor: str = SINGLE_ACTOR) -> None:
        super().__init__(endpoint, of_actor(WHAT, actor), "publisher")
        service = _service(endpoint, actor)
        builder = service.publisher_builder().initial_max_slice_len(words(_DTYPE.itemsize)).max_loaned_samples(1)
        self._open(builder.backpressure_strategy(iox2.BackpressureStrategy.DiscardData).create)
        self.store = time.monotonic_ns()
        """Number of this process."""
        self._published: int | None = None

    def publish(self, sequence: int) -> None:
        """Acknowledges the steps up to `sequence`, also to an agent that joined since. Never blocks."""
        if sequence == self._published:
            self._port.update_connections()
            return
        loan = self._port.loan_slice_uninit(words(_DTYPE.itemsize))
        view(loan, _DTYPE.itemsize).view(_DTYPE)[0] = (self.store, sequence)
        loan.assume_init().send()
        self._published = sequence


class AckSubscriber(Port):
    """The agent's end."""

    def __init__(self, endpoint: Endpoint, actor: str = SINGLE_ACTOR) -> None:
        super().__init__(endpoint, of_actor(WHAT, actor), "subscriber")
        service = _service(endpoint, actor)
        self._open(lambda: service.subscriber_builder().buffer_size(1).create())
        self._newest: Ack | None = None

    def newest(self) -> Ack | None:
        """Returns the newest acknowledgement; None before the first. Never blocks."""
        while (sample := self._port.receive()) is not None:
            ack = Ack(*view(sample, _DTYPE.itemsize).view(_DTYPE)[0].tolist())
            sample.delete()
            if self._newest is None or ack > self._newest:  # a dead process's last one may come late
                self._newest = ack
        return self._newest
