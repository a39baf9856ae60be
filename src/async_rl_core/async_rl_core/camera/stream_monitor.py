"""Whether a camera delivers what is expected of it."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

SILENCE = 1.0
"""Seconds without a picture that are too many."""
OTHER_RATE = 0.1
"""Share by which the pictures may come more or less often than configured."""
OTHER_CLOCK = 1.0
"""Seconds: a picture this old, or one from the future by a tenth of that, was stamped by another clock."""

_KEPT = 50  # pictures


@dataclass(frozen=True)
class StreamHealth:
    """How the camera does, in words, and the figures behind it."""

    level: Literal["ok", "warn", "error"]
    message: str
    values: Mapping[str, object] = field(default_factory=dict)


class StreamMonitor:
    """Notes every picture, and says how the camera does.

    Args:
        rate: pictures per second that are expected.
        now: seconds of a steady clock, as everywhere here.
    """

    def __init__(self, rate: float, now: float) -> None:
        self._rate = rate
        self._heard = now
        self._arrivals: deque[float] = deque(maxlen=_KEPT)
        self._ages: deque[float] = deque(maxlen=_KEPT)
        self._work: deque[float] = deque(maxlen=_KEPT)
        self._format = self._change = self._refusal = ""
        self._changes = self._refused = 0

    def arrived(self, now: float, age: float, work: float, format_: str) -> str:
        """Note a picture that could be used; what is to be said at once, if anything.

        Args:
            now: when it arrived.
            age: seconds from its stamp to its publication.
            work: seconds that its conversion took.
            format_: its size and encoding.
        """
        self._heard = now
        self._arrivals.append(now)
        self._ages.append(age)
        self._work.append(work)
        self._refusal = ""
        if format_ == self._format:
            return ""
        before, self._format = self._format, format_
        if not before:
            return ""
        self._changes += 1
        self._change = f"the camera changed from {before} to {format_}"
        self._arrivals.clear()
        return self._change

    def refused(self, now: float, why: str) -> None:
        """Note a picture that could not be used."""
        self._heard = now
        self._refused += 1
        self._refusal = why

    def finding(self, now: float) -> StreamHealth:
        """How the camera does; the worst first."""
        values: dict[str, object] = {
            "pictures": self._format or "none yet",
            "rate (Hz)": f"{self._measured_rate():.1f}",
            "stamp to publication p50 (ms)": _milliseconds(self._ages),
            "conversion p50 (ms)": _milliseconds(self._work),
            "refused": self._refused,
            "changes": self._changes,
        }
        level, message = self._verdict(now)
        return StreamHealth(level, message, values)

    def _verdict(self, now: float) -> tuple[Literal["ok", "warn", "error"], str]:
        silent, rate = now - self._heard, self._measured_rate()
        age = float(np.median(list(self._ages))) if self._ages else 0.0
        if silent > SILENCE:
            return "error", f"no picture for {silent:.0f} s"
        if self._refusal:
            return "error", f"pictures are refused: {self._refusal}"
        if not self._format:
            return "warn", "no picture yet"
        if self._change:
            return "warn", f"{self._change}; the policy may see another part of the scene than it learned from"
        if rate and abs(rate - self._rate) > OTHER_RATE * self._rate:
            return "warn", f"{rate:.1f} pictures a second instead of {self._rate:g}; set camera.rate to what comes"
        if not -OTHER_CLOCK / 10 < age < OTHER_CLOCK:
            return "warn", f"stamps are {age:.1f} s old: the camera's clock is not this computer's"
        return "ok", f"{self._format} at {rate:.1f} Hz" if rate else self._format

    def _measured_rate(self) -> float:
        """Pictures per second; 0 while there are too few to tell."""
        if len(self._arrivals) < _KEPT // 2:
            return 0.0
        return (len(self._arrivals) - 1) / max(self._arrivals[-1] - self._arrivals[0], 1e-9)


def _milliseconds(seconds: deque[float]) -> str:
    return f"{1e3 * np.median(list(seconds)):.2f}" if seconds else "-"
