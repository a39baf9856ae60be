"""Calls of a service, at most one in flight."""

import time
from collections.abc import Callable
from typing import Any

from rclpy.client import Client
from rclpy.task import Future


class ServiceCaller:
    """Sends a request unless an earlier one is in flight, so that requests cannot accumulate.

    Args:
        client: client of the service.
        timeout: seconds until a request without an answer is abandoned.
        clock: returns seconds that never decrease.
    """

    def __init__(self, client: Client, timeout: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._client, self._timeout, self._clock = client, timeout, clock
        self._sent = 0.0
        self.pending: Future[Any] | None = None
        """The future of the request in flight, or None."""

    @property
    def ready(self) -> bool:
        """Whether the service is available; if not, a request in flight is abandoned."""
        if self._client.service_is_ready():
            return True
        self._give_up()
        return False

    def call(self, request: Any, on_answer: Callable[[Any], None]) -> bool:
        """Sends `request` if the service is available and no request is in flight. Returns whether it was sent."""
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
            self._client.remove_pending_request(self.pending)  # a late answer is ignored
            self.pending = None
