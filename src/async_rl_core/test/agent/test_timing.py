from async_rl_core.agent.timing import Timing


def test_timing_counts_go_on_from_those_of_the_run() -> None:
    timing = Timing(cycles=1000, missed_cycles=3, stale_images=7)
    timing.cycle(lateness=0.002, missed=1, inference=0.001)
    assert (timing.cycles, timing.missed_cycles, timing.stale_images) == (1001, 4, 7)
    assert timing.end_episode() == (2.0, 1)
    assert timing.end_episode() == (0.0, 0)
