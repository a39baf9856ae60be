import pytest

from async_rl_core.config.load import resolve
from async_rl_core.spec.sizes import StoreSizes


@pytest.mark.parametrize(("cycle", "per_step"), [(0.04, 1), (0.08, 2), (0.12, 3), (0.4, 3)])
def test_store_sizes_of_a_long_cycle_count_at_most_a_stack_of_frames_per_step(cycle: float, per_step: int) -> None:
    changes = {"agent.action_cycle_time": cycle, "guard.watchdog": 0.5, "replay.capacity": 1000}
    sizes = StoreSizes.from_config(resolve("yuan2022_baseline", changes))
    assert sizes.frames == per_step * 1010 + 2 * sizes.stack
