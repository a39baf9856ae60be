"""Health of the simulator."""

import math
from collections import deque
from types import SimpleNamespace
from typing import Any, cast

import pytest

from async_rl_core.robots.controller import VelocityController
from async_rl_core.sim.arm import SimulatedArm
from async_rl_ros.diagnostics import Level
from robot_sim_node.camera_thread import CameraThread
from robot_sim_node.health import LoopCounts, SimHealth, milliseconds


def make() -> tuple[SimHealth, Any, LoopCounts, list[float]]:
    arm = SimpleNamespace(time=0.0, active=True, dropped=0, controller=VelocityController(1, 0.024))
    renderer = SimpleNamespace(name="raycast")
    camera = SimpleNamespace(
        render_times=deque([0.001]), ages=deque([0.002]), skipped=0, choice=SimpleNamespace(renderer=renderer)
    )
    counts, now = LoopCounts(), [10.0]
    return SimHealth(cast(SimulatedArm, arm), cast(CameraThread, camera), counts, lambda: now[0]), arm, counts, now


def test_sim_health_real_time_factor_is_that_of_the_interval() -> None:
    health, arm, _, now = make()
    now[0], arm.time = 11.0, 1.0
    assert health().values["real-time factor"] == 1.0
    now[0], arm.time = 13.0, 2.0
    assert health().values["real-time factor"] == 0.5


def test_sim_health_missed_ticks_warn_once() -> None:
    health, _, counts, _ = make()
    assert health().level is Level.OK
    counts.missed, counts.latest = 3, 0.03
    report = health()
    assert report.level is Level.WARN
    assert "3 ticks" in report.message
    assert report.values["tick lateness max (ms)"] == 30.0
    assert health().level is Level.OK
    assert health().values["missed ticks"] == 3


def test_sim_health_inactive_controller_is_an_error() -> None:
    health, arm, _, _ = make()
    arm.active = False
    assert health().level is Level.ERROR


def test_sim_health_commander_that_fell_silent_is_an_error() -> None:
    health, arm, _, _ = make()
    arm.controller.command([0.0], 1.0)
    arm.time = 1.5
    report = health()
    assert (report.level, report.message) == (Level.ERROR, "no command for 500 ms; the arm is stopped")


def test_sim_health_percentiles() -> None:
    assert milliseconds([0.001] * 10) == (1.0, 1.0)
    assert math.isnan(milliseconds([])[0])
    assert milliseconds([0.001, 0.003])[0] == pytest.approx(2.0)
