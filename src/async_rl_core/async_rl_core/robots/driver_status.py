"""The readiness of a robot, from its driver's topics and services."""

import math
from collections.abc import Mapping

from async_rl_core.config.driver import StatusCondition

STALE = 1.5
"""Seconds after which the answer of a service, called twice per second, is stale."""


class DriverStatus:
    """The conditions of a driver, each with its last value. A condition without a value does not hold.

    A topic may be published on change only, so its value does not become stale; a service must keep answering. Times
    are in seconds of one clock.
    """

    def __init__(self, conditions: tuple[StatusCondition, ...], controller: str | None) -> None:
        self._conditions = conditions
        self._controller = controller
        self._values: dict[StatusCondition, object] = {}  # several conditions may read one topic
        self._heard: dict[StatusCondition, float] = {}
        self._controller_state, self._controller_heard = "unknown", -math.inf

    def on_value(self, condition: StatusCondition, value: object, now: float) -> None:
        """Takes the value of a condition's topic or service."""
        self._values[condition] = value
        self._heard[condition] = now

    def on_controllers(self, states: Mapping[str, str], now: float) -> None:
        """Takes the states of all controllers, by name."""
        self._controller_state = states.get(self._controller or "", "not loaded")
        self._controller_heard = now

    def problems(self, now: float) -> list[str]:
        """Returns the reasons why the robot is not ready; empty where it is."""
        found = [self._problem(condition, now) for condition in self._conditions]
        return [text for text in (*found, self._controller_problem(now)) if text]

    def _controller_problem(self, now: float) -> str:
        if self._controller is None or (self._controller_state == "active" and now - self._controller_heard <= STALE):
            return ""
        if now - self._controller_heard > STALE:
            return "controller_manager does not answer"
        return f"{self._controller} is {self._controller_state}"

    def _problem(self, condition: StatusCondition, now: float) -> str:
        name = condition.source
        if condition not in self._values:
            return f"{condition.means} (no message from {name})"
        if condition.polled and now - self._heard[condition] > STALE:
            return f"{name} does not answer"
        value = self._values[condition]
        return "" if condition.holds(value) else f"{condition.means} ({name} says {value})"
