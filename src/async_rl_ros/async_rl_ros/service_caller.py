"""Calls of a service, of which at most one is in flight."""

import time
from collections.abc import Callable
from typing import Any

from rclpy.client import Client
from rclpy.task import Future


class ServiceCaller:
    """Sends a request unless an earlier one still waits for its answer, so that requests never pile up.

    Args:
        client: of the service.
        timeout: seconds until a request without an answer is given up, and the next call sends another.
        clock: seconds that never decrease.
    """

    def __init__(self, client: Client, timeout: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._client, self._timeout, self._clock = client, timeout, clock
        self._sent = 0.0
        self.pending: Future[Any] | None = None
        """The request in flight; None where there is none."""

    @property
    def ready(self) -> bool:
        """Whether the service is there; a request to one that is gone is given up."""
        if self._client.service_is_ready():
            return True
        self._give_up()
        return False

    def call(self, request: Any, on_answer: Callable[[Any], None]) -> bool:
        """Send `request` if the service is there and none is in flight. Returns whether it was sent."""
        if not self.ready:
            return False
        if self.pending is not None and self._clock() - self._sent < self._timeout:
            return False
        self._give_up()
        self._sent = self._clock()
        self.pending = future = self._client.call_async(request)
        future.add_done_callback(lambda answer: self._answered(answer, on_answer))
        return True

    def _answered(self, future: Future[Any], on_answer: Callable[[Any], None]) -> None:
        if future is self.pending:
            self.pending = None
        on_answer(future.result())

    def _give_up(self) -> None:
        if self.pending is not None:
            self._client.remove_pending_request(self.pending)  # its answer, should one come, is not taken
            self.pending = None
