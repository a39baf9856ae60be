"""Suspension of the run, during which the arm rests: by Ctrl-Z, by the supervisor's order, or with the supervisor."""

import os
import signal
from pathlib import Path

from async_rl_core.bringup.process.link import AT_REST, PAUSE, RESUME, SupervisorLink
from async_rl_ros.node import StopSignal

SPREAD = 2.0
"""Seconds after a SIGTSTP within which the supervisor or `ros2 launch`, which received it too, stops."""

_STOPPED = "T"  # state of a process stopped by a signal, in /proc/PID/stat


class Suspension:
    """Detects the reasons for a suspension, and confirms to the supervisor that the arm is at rest.

    Reasons are an order of the supervisor; a stopped supervisor, as by SIGSTOP; and SIGTSTP to this process, which the
    terminal sends to the nodes of `ros2 launch`. Without a supervisor this process suspends itself once the arm is at
    rest.

    Args:
        link: connection to the supervisor.
        zeros: cycles at rest after which the arm counts as at rest.
    """

    def __init__(self, link: SupervisorLink, zeros: int) -> None:
        self._link, self._zeros = link, zeros
        supervisor = os.environ.get("ASYNC_RL_SUPERVISED", "")
        self._stat = Path("/proc", supervisor, "stat") if supervisor.isdecimal() and int(supervisor) > 1 else None
        self._ordered = self._supervisor_stopped = self._confirmed = False
        self._until = 0.0
        self._rested = 0

    def is_requested(self, now: float, stop: StopSignal) -> bool:
        """Returns whether the arm has to rest; `now` in seconds of the steady clock."""
        for order in self._link.orders():
            if order in (PAUSE, RESUME):
                self._ordered, self._confirmed, self._rested = order == PAUSE, False, 0
        if stop.suspended:
            stop.suspended, self._until, self._confirmed, self._rested = False, now + SPREAD, False, 0
        return self._ordered or self._supervisor_stopped or now < self._until

    def check_supervisor(self) -> None:
        """Checks whether the supervisor is stopped. Reads a file of /proc, so it is not called in every cycle."""
        if self._stat is None:
            return
        try:
            stat = self._stat.read_text(encoding="utf-8")
            self._supervisor_stopped = stat[stat.rindex(")") + 2] == _STOPPED
        except (OSError, ValueError, IndexError):  # it died, which the kernel reports to this process by a signal
            self._supervisor_stopped = False

    def cycle(self, at_rest: bool) -> None:
        """Confirms the rest once the arm rested long enough; called in every cycle of a suspension."""
        self._rested = self._rested + 1 if at_rest else 0
        if self._confirmed or self._rested < self._zeros:
            return
        self._confirmed = True
        self._link.report(AT_REST)
        if self._stat is None:
            os.kill(os.getpid(), signal.SIGSTOP)
