"""Mini-batches from replay to the learner through shared memory, written where the learner reads them."""

import mmap
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import iceoryx2 as iox2
import numpy as np
from numpy.typing import NDArray

from async_rl_core.spec.batch import Batch, BatchLayout
from async_rl_core.transport.shared_memory.payload import WORDS, view, words
from async_rl_core.transport.shared_memory.port import Port
from async_rl_core.transport.shared_memory.service import MAX_NODES, Endpoint, require_space
from async_rl_core.transport.shared_memory.steps import REPLAY
from async_rl_core.transport.shared_memory.wakeup import Listener, Notifier

WHAT = "batches"
LEARNER = "learner"
"""The listener that a response wakes."""
MAX_AHEAD = 3
"""Most mini-batches requested ahead; each takes its size in shared memory."""
_LOOK_AGAIN = 0.5
"""Seconds after which a waiting client checks whether its server is alive."""


def held(in_flight: int) -> int:
    """Returns the most mini-batches in shared memory at once: in flight, being written, being read."""
    return max(1, in_flight) + 2


Reprioritise = Callable[[NDArray[np.uint64], NDArray[np.float32]], None]
"""Takes the numbers (B,) of transitions and their TD errors (B,)."""


def _priorities(batch_size: int) -> np.dtype[np.void]:
    """Returns the type of a request's content: the TD errors of an earlier mini-batch; none if the count is 0."""
    return np.dtype([("count", "<u8"), ("index", "<u8", (batch_size,)), ("td_error", "<f4", (batch_size,))])


def _service(endpoint: Endpoint, layout: BatchLayout) -> Any:
    def build(builder: Any) -> Any:
        service = builder.request_response(WORDS, WORDS).max_nodes(MAX_NODES).max_clients(1).max_servers(1)
        service = service.max_active_requests_per_client(MAX_AHEAD + 1).max_loaned_requests(1)
        service = service.max_response_buffer_size(1).max_borrowed_responses_per_pending_response(1)
        service = service.enable_safe_overflow_for_requests(False).enable_safe_overflow_for_responses(False)
        return service.enable_fire_and_forget_requests(False)

    return endpoint.service(WHAT, build, layout.agreement)


class BatchServer(Port):
    """A `BatchSink`: the only one in the domain. Wait with a `Listener` of the name `REPLAY`.

    The TD errors that requests carry go to `reprioritise`. The client requests at most `in_flight` mini-batches ahead.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        layout: BatchLayout,
        reprioritise: Reprioritise | None = None,
        in_flight: int = MAX_AHEAD,
    ) -> None:
        super().__init__(endpoint, WHAT, "server")
        self._requests: deque[Any] = deque()
        self._reprioritise, self._priorities = reprioritise, _priorities(layout.batch_size)
        require_space(held(in_flight) * layout.nbytes, "mini-batches")
        self._layout = layout
        service = _service(endpoint, layout)
        builder = service.server_builder().initial_max_slice_len(words(layout.nbytes))
        builder = builder.max_loaned_responses_per_request(1)
        builder = builder.backpressure_strategy(iox2.BackpressureStrategy.DiscardData)
        # iceoryx2 sizes the segment for more mini-batches than are ever held, and uses the first free ones.
        with endpoint.reserving(held(in_flight) * (layout.nbytes + mmap.PAGESIZE)):
            self._open(builder.create)
        self._notifier = Notifier(endpoint, LEARNER)
        self._parts.append(self._notifier)
        self._notifier.notify()  # a client that lost its server requests again

    @property
    def waiting(self) -> int:
        """Requests that wait for a mini-batch; those of a client that left are discarded."""
        # First, because `receive` lets a new client in, whose requests a dead client's would be taken for.
        for request in [r for r in self._requests if not r.is_connected]:
            self._requests.remove(request)
            request.delete()
        while (request := self._port.receive()) is not None:
            self._requests.append(request)
            priorities = view(request, self._priorities.itemsize).view(self._priorities)[0]
            if priorities["count"] and self._reprioritise is not None:
                self._reprioritise(priorities["index"], priorities["td_error"])
        return len(self._requests)

    def serve(self, fill: Callable[[Batch], None]) -> bool:
        """Answers the oldest request with a mini-batch that `fill` writes; returns False without a request."""
        if self.waiting == 0:
            return False
        request = self._requests[0]
        loan = request.loan_slice_uninit(words(self._layout.nbytes))
        try:
            fill(self._layout.views(view(loan, self._layout.nbytes)))
        except BaseException:
            loan.delete()
            raise
        self._requests.popleft()
        loan.assume_init().send()
        request.delete()
        self._notifier.notify()
        return True

    def close(self) -> None:
        """Closes the ports and discards the requests; the client repeats them to the next server."""
        while self._requests:
            self._requests.popleft().delete()
        super().close()


class BatchClient(Port):
    """A `BatchSource`: the only one in the domain.

    Requests `in_flight` mini-batches ahead: with 0 (async1) each is requested when `receive` is called, with more
    (async2) replay samples it while the learner updates.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        layout: BatchLayout,
        in_flight: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not 0 <= in_flight <= MAX_AHEAD:
            raise ValueError(f"in_flight must be 0 to {MAX_AHEAD}, got {in_flight}")
        super().__init__(endpoint, WHAT, "client")
        self._pending: deque[Any] = deque()
        self._held: Any = None
        self._layout, self._in_flight, self._clock = layout, in_flight, clock
        self._priorities = np.zeros((), _priorities(layout.batch_size))
        service = _service(endpoint, layout)
        builder = service.client_builder().initial_max_slice_len(words(self._priorities.nbytes))
        builder = builder.backpressure_strategy(iox2.BackpressureStrategy.DiscardData)
        with endpoint.reserving():
            self._open(builder.create)
        self._listener = Listener(endpoint, LEARNER)
        self._notifier = Notifier(endpoint, REPLAY)
        self._parts += [self._listener, self._notifier]

    def receive(self, timeout: float) -> Batch | None:
        """Returns the next mini-batch, or None after `timeout` seconds of sleep. It is valid until the next call."""
        self._release()
        deadline = self._clock() + timeout
        while True:
            self._request(max(1, self._in_flight))
            if (batch := self._take()) is not None:
                self._request(self._in_flight)
                return batch
            left = deadline - self._clock()
            if left <= 0:
                return None
            self._listener.wait(min(left, _LOOK_AGAIN))

    def reprioritise(self, index: NDArray[np.uint64], td_error: NDArray[np.float32]) -> None:
        """Sends the TD errors (B,) of the transitions `index` (B,) with the next request."""
        self._priorities[()] = len(index), index, td_error

    def close(self) -> None:
        """Closes the ports; the last mini-batch is no longer valid."""
        self._release()
        while self._pending:
            self._pending.popleft().delete()
        super().close()

    def _request(self, count: int) -> None:
        """Sends requests until `count` are in flight."""
        for pending in [p for p in self._pending if not p.is_connected and not p.has_response]:
            self._pending.remove(pending)  # its server left; the numbers of its transitions mean nothing to the next
            pending.delete()
            self._priorities["count"] = 0
        sent = False
        while len(self._pending) < count:
            pending = self._send()
            if pending.number_of_server_connections == 0:
                pending.delete()
                break
            self._pending.append(pending)
            self._priorities["count"] = 0
            sent = True
        if sent:
            self._notifier.notify()

    def _send(self) -> Any:
        loan = self._port.loan_slice_uninit(words(self._priorities.nbytes))
        view(loan, self._priorities.nbytes)[:] = self._priorities.reshape(1).view(np.uint8)
        return loan.assume_init().send()

    def _take(self) -> Batch | None:
        if not self._pending:
            return None
        # Only the oldest: a newer one may be answered between two looks.
        response = self._pending[0].receive()
        if response is None:
            return None
        self._pending.popleft().delete()
        self._held = response
        buffer = view(response, self._layout.nbytes)
        buffer.setflags(write=False)
        return self._layout.views(buffer)

    def _release(self) -> None:
        if self._held is not None:
            self._held.delete()
            self._held = None
