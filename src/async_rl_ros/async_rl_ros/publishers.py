"""Publishers on a topic, as the middleware tells of them."""

from collections.abc import Callable
from typing import Any


class PublisherCount:
    """The `matched` event of a subscription: passes on how many publishers there are, counting those already gone.

    One that came and went between two events counts as there in the first of them, so no burst is missed. The events'
    own changes are not used: rclpy leaves them out of an event that came before its callback was set.
    """

    def __init__(self, on_count: Callable[[int], None]) -> None:
        self._on_count = on_count
        self._there = self._total = 0

    def __call__(self, event: Any) -> None:
        """Take a QoSSubscriptionMatchedInfo."""
        came = event.total_count - self._total
        most = self._there + came if came > 0 else event.current_count
        self._there, self._total = event.current_count, event.total_count
        self._on_count(max(most, event.current_count))
        if most != event.current_count:
            self._on_count(event.current_count)
