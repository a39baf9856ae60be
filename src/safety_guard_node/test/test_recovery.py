"""A fault of timing of a simulated arm in the guard's process: cleared, counted, and no other fault is."""

import math
import signal
from pathlib import Path

from async_rl_core.bringup.exit_policy import FAULTED
from async_rl_interfaces.msg import GuardState

from .conftest import MOVING, WATCHDOG, ZERO, World


def test_node_timing_fault_of_a_simulated_arm_is_cleared_counted_and_no_other_is(tmp_path: Path) -> None:
    world = World(tmp_path, clears=True)
    try:
        world.armed()
        world.wanted = MOVING
        world.until(world.moves)
        world.wanted = None
        world.until(lambda: world.state is not None and world.state.faults_cleared == 1)
        assert world.state is not None and world.state.clears_timing_faults
        counts = dict(zip(world.state.fault_kind, world.state.fault_count, strict=True))
        assert (counts["agent_silent"], sum(counts.values())) == (1, 1)
        assert (world.state.last_kind, world.state.cause) == ("agent_silent", "")
        assert world.state.last_silence >= WATCHDOG
        world.hear(0.3)
        assert not any(world.received[-1][1])
        world.wanted = MOVING
        world.until(world.moves)
        assert world.state is not None and world.state.longest_silence >= world.state.last_silence
        world.wanted = None
        world.send([math.nan] * 6)
        world.until(world.is_in(GuardState.FAULT))
        world.wanted = ZERO
        world.hear(1.0)
        assert world.is_in(GuardState.FAULT)()
        world.guard.send_signal(signal.SIGINT)
        world.until(lambda: world.guard.poll() is not None)
        assert world.guard.returncode == FAULTED
    finally:
        world.close()
