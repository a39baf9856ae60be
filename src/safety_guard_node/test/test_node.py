"""The guard's process over the real middleware, between an agent and an arm that follows exactly."""

import itertools
import math
import re
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from async_rl_core.config.load import resolve, write_config
from async_rl_interfaces.msg import GuardState, RobotStatus

from .conftest import CYCLE, MOVING, RUN, TIMEOUT, WATCHDOG, ZERO, World


def test_node_sends_zeros_arms_itself_and_follows(world: World) -> None:
    world.until(lambda: len(world.received) > 20 and world.state is not None)
    assert world.is_in(GuardState.DISARMED)()
    assert not any(any(data) for _, data in world.received)
    world.wanted = MOVING
    world.armed()
    world.until(world.moves)
    count = len(world.received)
    world.wanted = ZERO
    world.hear(1.0)
    sent = np.array([at for at, _ in world.received[count:]])
    rate = 10 / np.median(sent[10:] - sent[:-10])  # of most stretches: some may be those of a halted machine
    assert 90 < rate < 130  # 125 on an idle machine
    assert all(len(data) == 6 and all(map(math.isfinite, data)) for _, data in world.received)


def test_node_with_a_silent_agent_stops_and_latches(world: World) -> None:
    world.armed()
    world.wanted = MOVING
    world.until(world.moves)
    world.wanted = None
    count = len(world.received)
    world.until(world.is_in(GuardState.FAULT))
    assert world.state is not None
    silence = re.match(r"agent silent for (\d+) ms", world.state.cause)
    assert silence is not None and int(silence[1]) >= 1000 * WATCHDOG
    assert world.state.fault_stamp.sec > 0
    world.wanted = ZERO
    world.hear(0.5)
    moving = [any(data) for _, data in world.received[count:]]
    assert sum(moving) * CYCLE < WATCHDOG + 0.1  # counted, not timed: a halt of the machine is no motion
    assert not moving[-1]
    assert world.is_in(GuardState.FAULT)()
    refused = world.call("arm")
    assert not refused.success
    assert "FAULT" in refused.message
    assert world.call("reset_fault").success
    world.until(world.is_in(GuardState.ARMED))


def test_node_after_its_own_halt_does_not_blame_the_agent(world: World) -> None:
    world.armed()
    world.wanted = MOVING
    for duration in (0.5 * WATCHDOG, 1.5 * WATCHDOG):  # neither near it: a busy machine prolongs them
        assert world.is_in(GuardState.ARMED)()
        world.guard.send_signal(signal.SIGSTOP)
        world.run(duration)
        world.guard.send_signal(signal.SIGCONT)
        world.run(0.2)
    world.until(world.is_in(GuardState.FAULT))
    assert world.state is not None
    assert world.state.cause.startswith("the guard was halted for ")


def test_node_with_malformed_commands_latches_until_a_person_clears(world: World) -> None:
    world.armed()
    for changes, cause in (
        ({"velocity": [math.nan] * 6}, "has nan rad/s"),
        ({"velocity": [0.0] * 5}, "5 values for 6 names"),
        ({"name": ["a", "b", "c", "d", "e", "f"]}, "lacks"),
        ({"sequence": 1}, "command 1 after command"),
    ):
        world.wanted = None  # so that no newer command replaces this one
        world.send(**changes)
        world.until(world.is_in(GuardState.FAULT))
        assert world.state is not None
        assert cause in world.state.cause
        assert world.state.commands_refused >= 1
        world.wanted = ZERO
        world.until(lambda: world.call("reset_fault").success)
        world.until(world.is_in(GuardState.ARMED))


def test_node_is_disarmed_and_armed_by_a_person(world: World) -> None:
    world.armed()
    assert world.call("disarm").success
    world.until(world.is_in(GuardState.DISARMED))
    world.hear(0.3)
    assert world.is_in(GuardState.DISARMED)()
    response = world.call("arm")
    assert response.success, response.message
    world.until(world.is_in(GuardState.ARMED))


def test_node_of_a_driven_robot_moves_only_while_it_is_ready(tmp_path: Path) -> None:
    world = World(tmp_path, "fr3")
    try:
        world.describe()
        world.until(lambda: "no fresh robot_status" in world.call("arm").message)
        world.status = RobotStatus(ready=False, cause="a reflex")
        world.until(lambda: "the robot is not ready: a reflex" in world.call("arm").message)
        world.status = RobotStatus(ready=True)
        world.until(world.is_in(GuardState.ARMED))
        world.status = None
        world.until(world.is_in(GuardState.FAULT))
        assert world.state is not None
        assert world.state.cause == "no fresh robot_status"
    finally:
        world.close()


def test_node_without_a_controller_manager_is_refused(tmp_path: Path) -> None:
    if find_spec("controller_manager_msgs"):
        pytest.skip("controller_manager_msgs is installed")
    real = {"hardware": "real", "robot_ip": "192.0.2.1", "guard.auto_arm": False}
    write_config(resolve("laptop", real), tmp_path / "config.yaml")
    arguments = ["--ros-args", "-p", f"config:={tmp_path / 'config.yaml'}"]
    guard = subprocess.run([sys.executable, "-c", RUN, *arguments], capture_output=True, text=True, timeout=TIMEOUT)
    assert guard.returncode == 2
    assert "error: controller_manager_msgs is not installed" in guard.stderr
    assert "Traceback" not in guard.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_node_after_a_signal_ends_with_the_arm_at_rest(world: World, number: signal.Signals) -> None:
    world.armed()
    world.wanted = MOVING
    world.until(world.moves)
    world.guard.send_signal(number)
    count = len(world.received)

    def speeds() -> list[float]:
        return [max(map(abs, data)) for _, data in world.received[count:]]

    world.until(lambda: world.guard.poll() is not None)
    world.until(lambda: speeds().count(0.0) >= 8)  # a halt of the machine may have left the last ones waiting
    assert world.guard.returncode == 0
    assert not any(world.velocity)
    assert all(later <= earlier + 1e-9 for earlier, later in itertools.pairwise(speeds()))
    assert max(a - b for a, b in itertools.pairwise(speeds())) <= 16.0 * CYCLE + 1e-9  # a ramp


def test_node_after_sigtstp_rests_and_after_sigcont_arms_again(world: World) -> None:
    """Without a supervisor."""
    world.armed()
    world.wanted = MOVING
    world.until(world.moves)
    world.guard.send_signal(signal.SIGTSTP)
    stat = Path(f"/proc/{world.guard.pid}/stat")
    world.until(lambda: stat.read_text().rpartition(")")[2].split()[0] == "T")
    world.until(lambda: not any(world.velocity))
    world.guard.send_signal(signal.SIGCONT)
    world.until(world.is_in(GuardState.DISARMED))
    world.until(world.moves)
