"""Health of the simulator, for `/diagnostics`."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from async_rl_core.sim.arm import SimulatedArm
from async_rl_ros.diagnostics import Health, Level
from async_rl_ros.robot_side import no_command
from robot_sim_node.camera_thread import CameraThread


@dataclass
class LoopCounts:
    """Counts of the robot's loop since its start."""

    ticks: int = 0
    missed: int = 0
    latest: float = 0.0  # seconds that a tick came late, at most, since the last report


class SimHealth:
    """The simulator's health over the interval since the last call."""

    def __init__(
        self,
        arm: SimulatedArm,
        camera: CameraThread | None,
        counts: LoopCounts,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._arm = arm
        self._camera = camera
        self._counts = counts
        self._clock = clock
        self._reported = (clock(), arm.time, counts.missed)

    def __call__(self) -> Health:
        """Returns the health now; the next interval begins."""
        then, simulated, missed = self._reported
        now = self._clock()
        self._reported = (now, self._arm.time, self._counts.missed)
        level, message = self._verdict(self._counts.missed - missed)
        values: dict[str, object] = {
            "real-time factor": round((self._arm.time - simulated) / max(now - then, 1e-9), 3),
            "ticks": self._counts.ticks,
            "missed ticks": self._counts.missed,
            "tick lateness max (ms)": round(1e3 * self._counts.latest, 2),
            "commands dropped": self._arm.dropped,
        }
        if self._camera is not None:
            values |= _camera_values(self._camera)
        self._counts.latest = 0.0
        return Health(level, message, values)

    def _verdict(self, missed: int) -> tuple[Level, str]:
        if not self._arm.active:
            return Level.ERROR, "controller inactive; call ~/activate_controller"
        if silent := no_command(self._arm.controller, self._arm.time):
            return Level.ERROR, silent
        if missed:
            return Level.WARN, f"the loop missed {missed} ticks"
        return Level.OK, "running"


def _camera_values(camera: CameraThread) -> dict[str, object]:
    p50, p99 = milliseconds(list(camera.render_times))
    age_p50, age_p99 = milliseconds(list(camera.ages))
    return {
        "renderer": camera.choice.renderer.name,
        "render time p50 (ms)": p50,
        "render time p99 (ms)": p99,
        "capture to publication p50 (ms)": age_p50,
        "capture to publication p99 (ms)": age_p99,
        "frames skipped": camera.skipped,
    }


def milliseconds(seconds: Sequence[float]) -> tuple[float, float]:
    """Returns median and 99th percentile in ms; NaN without a sample."""
    if not seconds:
        return math.nan, math.nan
    p50, p99 = np.percentile(seconds, (50, 99)) * 1e3
    return round(float(p50), 2), round(float(p99), 2)
