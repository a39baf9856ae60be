"""The health of a camera's stream of pictures."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

SILENCE = 1.0
"""Seconds without a picture that are an error."""
OTHER_RATE = 0.1
"""Share by which the rate may deviate from the configured one."""
OTHER_CLOCK = 1.0
"""Age in seconds above which, or below minus a tenth of which, another clock stamped a picture."""

_KEPT = 50  # pictures


@dataclass(frozen=True)
class StreamHealth:
    """Level, message and figures."""

    level: Literal["ok", "warn", "error"]
    message: str
    values: Mapping[str, object] = field(default_factory=dict)


class StreamMonitor:
    """Records every picture and judges the stream.

    Args:
        rate: expected pictures per second.
        now: seconds of a steady clock, as in all methods.
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
        """Records a usable picture. Returns a line to log at once, or an empty one.

        Args:
            now: time of arrival.
            age: seconds from its stamp to its publication.
            work: seconds of its conversion.
            format_: size and encoding.
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
        """Records a picture that could not be used."""
        self._heard = now
        self._refused += 1
        self._refusal = why

    def health(self, now: float) -> StreamHealth:
        """Returns the health of the stream, by its most severe problem."""
        values: dict[str, object] = {
            "pictures": self._format or "none yet",
            "rate (Hz)": f"{self._measured_rate():.1f}",
            "stamp to publication p50 (ms)": _milliseconds(self._ages),
            "conversion p50 (ms)": _milliseconds(self._work),
            "refused": self._refused,
            "changes": self._changes,
        }
        level, message = self._judgement(now)
        return StreamHealth(level, message, values)

    def _judgement(self, now: float) -> tuple[Literal["ok", "warn", "error"], str]:
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
            return (
                "warn",
                f"{rate:.1f} pictures a second instead of {self._rate:g}; set camera.rate to this",
            )
        if not -OTHER_CLOCK / 10 < age < OTHER_CLOCK:
            return "warn", f"stamps are {age:.1f} s old: the camera's clock is not this computer's"
        return "ok", f"{self._format} at {rate:.1f} Hz" if rate else self._format

    def _measured_rate(self) -> float:
        """Returns pictures per second; 0 while there are too few to measure."""
        if len(self._arrivals) < _KEPT // 2:
            return 0.0
        return (len(self._arrivals) - 1) / max(self._arrivals[-1] - self._arrivals[0], 1e-9)


def _milliseconds(seconds: deque[float]) -> str:
    return f"{1e3 * np.median(list(seconds)):.2f}" if seconds else "-"
