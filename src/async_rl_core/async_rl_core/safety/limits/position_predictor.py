"""The joints' present positions, predicted from late joint states and the velocities sent."""

import math
from collections import deque
from collections.abc import Sequence

from async_rl_core.config.schema import GuardConfig, RobotConfig

DELAY = 2.0
"""Cycles from the robot's reading of its joints to their receipt, at most."""


class PositionPredictor:
    """Predicts where the joints are by the velocities that were sent.

    A joint state may be two cycles late, and the arm's motion lags behind its commands by `robot.command_lag`.
    """

    def __init__(self, robot: RobotConfig, guard: GuardConfig) -> None:
        self._cycle = 1.0 / robot.state_rate
        self._lag = DELAY + robot.command_lag / self._cycle
        history = math.ceil(guard.state_timeout / self._cycle + self._lag)
        self._sent: deque[Sequence[float]] = deque(maxlen=history)

    def on_sent(self, velocities: Sequence[float]) -> None:
        """Takes the velocities (n,) in rad/s that are sent in this cycle."""
        self._sent.append(velocities)

    def on_gap(self, velocities: Sequence[float], cycles: int) -> None:
        """Takes a number of cycles in which nothing was sent after `velocities` (n,)."""
        self._sent.extend([velocities] * cycles)

    def predict(self, position: Sequence[float], age: float) -> tuple[list[float], list[float]]:
        """Predicts the positions (n,) in rad of joints that were at `position` `age` seconds ago.

        The first result assumes the longest delay and lag, the second none.
        """
        elapsed = age / self._cycle
        return self._after(position, elapsed + self._lag), self._after(position, elapsed)

    def _after(self, position: Sequence[float], cycles: float) -> list[float]:
        """Returns where joints arrive that were at `position` this number of cycles ago."""
        predicted = list(position)
        for velocities in reversed(self._sent):
            time = min(cycles, 1.0) * self._cycle
            predicted = [q + velocity * time for q, velocity in zip(predicted, velocities, strict=True)]
            cycles -= 1.0
            if cycles <= 0.0:
                break
        return predicted
