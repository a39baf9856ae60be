"""The request to place an episode's target."""

from collections.abc import Callable

RETRY_PERIOD = 0.5
"""Seconds until a target that was not placed is requested again: a request may be lost while nodes find each other."""


class TargetPlacement:
    """Requests the target of an episode until it is placed.

    Args:
        request: asks for the target of an episode; the answer comes through `placed`.
    """

    def __init__(self, request: Callable[[int], None]) -> None:
        self._request = request
        self._placed = 0
        self._next_request = 0.0

    def start(self, now: float) -> None:
        """Lets the next `request_when_due` send a request at once."""
        self._next_request = now

    def placed(self, episode: int) -> None:
        """Takes note that the target of `episode` is in place."""
        self._placed = max(self._placed, episode)

    def is_placed(self, episode: int) -> bool:
        """Returns whether the target of `episode`, or of a later one, is in place."""
        return self._placed >= episode

    def request_when_due(self, now: float, episode: int) -> None:
        """Requests the target of `episode`, at most once per `RETRY_PERIOD`."""
        if now >= self._next_request:
            self._next_request = now + RETRY_PERIOD
            self._request(episode)
