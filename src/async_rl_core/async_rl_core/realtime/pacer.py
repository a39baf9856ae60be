"""The pace of a loop: it waits for each deadline and, a little longer, for the input that is due then."""

import math
from collections.abc import Callable

from async_rl_core.realtime.clock import Clock
from async_rl_core.realtime.schedule import Schedule

GRACE = 0.002
"""Seconds past the deadline for which the loop waits for a frame that is due: acting on the last one costs a cycle."""
CATCH_UP = 0.002
"""Seconds for which a loop that is late receives its input. The arrival time of that input is unknown."""
EARLY = 1e-6
"""Seconds by which a deadline may be early and still count as reached: times are sums of many floats."""


class Pacer:
    """Waits for the deadlines of a `Schedule`, which follows the arrivals of the input.

    With a `VirtualClock`, computing takes no time, so `grace` and `catch_up` are 0 and the schedule has no margin.

    Args:
        schedule: the deadlines.
        clock: the loop's clock.
        arrival_period: seconds between two arrivals, or None where the loop waits for no input.
        grace, catch_up: see `GRACE` and `CATCH_UP`.
    """

    def __init__(
        self,
        schedule: Schedule,
        clock: Clock,
        arrival_period: float | None,
        grace: float = GRACE,
        catch_up: float = CATCH_UP,
    ) -> None:
        self._schedule, self._clock = schedule, clock
        self._half_period = None if arrival_period is None else arrival_period / 2
        self._grace, self._catch_up = grace, catch_up
        self._arrived = self._resumed = -math.inf
        self._input_missed = False

    @property
    def due(self) -> float:
        """Time of the next deadline."""
        return self._schedule.due

    def note_arrival(self, arrival: float) -> None:
        """Takes note that an input was received at `arrival`."""
        if arrival - self._resumed > self._catch_up:  # else it came earlier, while this process worked
            self._arrived = arrival
            self._schedule.follow(arrival)
        elif self._input_missed:
            self._input_missed = False
            self._schedule.postpone()

    def wait(self, receive: Callable[[float], object]) -> float:
        """Waits until the deadline is reached and its input has arrived, or the grace is over.

        `receive` takes in messages for at most the seconds that it is given. Returns the seconds by which waiting
        ended too late; 0 where the deadline had passed before.
        """
        clock = self._clock
        start = clock.now()
        in_time = start < self.due
        self._receive_until(self.due if in_time else start + self._catch_up, receive)
        end = self.due + self._grace  # arrivals have moved the deadline meanwhile
        while not self._is_input_in() and (remaining := end - clock.now()) > EARLY:
            receive(remaining)
        is_in = self._is_input_in()
        self._input_missed = in_time and not is_in
        return clock.now() - self.due - (0.0 if is_in else self._grace) if in_time else 0.0

    def advance(self, sent: float) -> tuple[float, int]:
        """Moves to the next deadline after a command was sent; returns its lateness in seconds and the missed cycles.

        Called once per cycle.
        """
        lateness = sent - self._schedule.due
        return lateness, self._schedule.advance(sent)

    def resume(self) -> None:
        """Takes note that the work of a cycle is done, so that what arrives from now on is seen at once."""
        self._resumed = self._clock.now()

    def _receive_until(self, end: float, receive: Callable[[float], object]) -> None:
        while (remaining := end - self._clock.now()) > EARLY:
            receive(remaining)

    def _is_input_in(self) -> bool:
        """Returns whether the input of this deadline has arrived; that of the previous deadline does not count."""
        return self._half_period is None or self._arrived > self._schedule.due - self._half_period
