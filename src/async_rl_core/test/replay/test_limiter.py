import pytest
from hypothesis import given
from hypothesis import strategies as st

from async_rl_core.config.load import resolve
from async_rl_core.replay.limiter import DEFAULT_BURST, STANDSTILL, RateLimiter


def drain(limiter: RateLimiter) -> int:
    """Serve what is permitted."""
    served = limiter.served
    while limiter.permits():
        limiter.serve()
    return limiter.served - served


def test_limiter_of_ratio_1_serves_one_per_step_from_the_minimum() -> None:
    limiter = RateLimiter(min_size=1000, max_samples_per_insert=1.0)
    limiter.insert(999)
    assert drain(limiter) == 0
    assert [limiter.insert() or drain(limiter) for _ in range(5)] == [1, 1, 1, 1, 1]


def test_limiter_of_ratio_one_half_serves_every_second_step() -> None:
    limiter = RateLimiter(min_size=1, max_samples_per_insert=0.5)
    assert [limiter.insert() or drain(limiter) for _ in range(6)] == [0, 1, 0, 1, 0, 1]


@pytest.mark.parametrize("ratio", [0.1, 0.3, 0.7, 1.1])
def test_limiter_loses_no_credit_to_rounding(ratio: float) -> None:
    limiter = RateLimiter(min_size=1, max_samples_per_insert=ratio)
    for _ in range(10000):
        limiter.insert()
        drain(limiter)
    assert limiter.served == round(10000 * ratio)


def test_limiter_after_a_pause_bounds_the_burst() -> None:
    limiter = RateLimiter(min_size=1, max_samples_per_insert=2.0, burst=50)
    limiter.insert(100_000)
    assert drain(limiter) == 100
    limiter.insert()
    assert drain(limiter) == 2


def test_limiter_of_a_small_burst_still_serves() -> None:
    limiter = RateLimiter(min_size=1, max_samples_per_insert=0.01, burst=1)
    limiter.insert(1000)
    assert drain(limiter) == 1


def test_limiter_refuses_to_serve_without_credit() -> None:
    with pytest.raises(ValueError, match="did not permit"):
        RateLimiter(min_size=1, max_samples_per_insert=1.0).serve()


@pytest.mark.parametrize("arguments", [(-1, 1.0, 1), (1, 0.0, 1), (1, 1.0, 0)])
def test_limiter_settings_that_never_serve_are_refused(arguments: tuple[int, float, int]) -> None:
    with pytest.raises(ValueError, match="must be"):
        RateLimiter(*arguments)


@given(
    min_size=st.integers(0, 20),
    ratio=st.floats(0.05, 8),
    burst=st.integers(1, 30),
    events=st.lists(st.one_of(st.integers(1, 7), st.just(0)), max_size=200),
)
def test_limiter_serves_at_most_its_bound(min_size: int, ratio: float, burst: int, events: list[int]) -> None:
    limiter = RateLimiter(min_size, ratio, burst)
    for event in events:
        if event:
            limiter.insert(event)
        elif limiter.permits():
            limiter.serve()
        allowed = ratio * max(0, limiter.inserted - max(min_size, 1) + 1)
        assert limiter.served <= allowed + 1e-6
        assert limiter.credit <= max(1.0, burst * ratio)
        if limiter.inserted < min_size:
            assert not limiter.permits()


@pytest.mark.parametrize("preset", ["laptop", "yuan2022_baseline"])
def test_limiter_without_new_steps_serves_a_bounded_number(preset: str) -> None:
    """With a preset's own ratio: what is on credit may be used for some seconds, and only that."""
    config, now = resolve(preset, {}), [0.0]
    ratio = config.learner.max_updates_per_step
    limiter = RateLimiter(config.agent.initial_steps, ratio, clock=lambda: now[0])
    for _ in range(config.agent.initial_steps + 2000):  # a learner that is slower than the arm
        limiter.insert()
    served = 0
    while limiter.permits():
        limiter.serve()
        served += 1
        now[0] += 0.1
    assert served <= DEFAULT_BURST * ratio
    assert now[0] <= STANDSTILL + 0.2
    now[0] += 1000.0
    assert not limiter.permits()
    limiter.insert()
    assert limiter.permits()
