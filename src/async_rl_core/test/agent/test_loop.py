"""The loop against a kinematic arm that follows its commands exactly, and a camera that numbers its frames."""

import numpy as np
import pytest

from async_rl_core.agent.episode_state_machine import Phase
from async_rl_core.agent.observation import Frame
from async_rl_core.agent.run_progress import RunProgress
from async_rl_core.config.schema import Config

from .loop_bench import CYCLE, Bench


def test_loop_steps_are_complete_and_in_order(bench: Bench) -> None:
    bench.until(episodes=3)
    assert [step.sequence for step in bench.steps] == list(range(3 * 101))
    for episode in (1, 2, 3):
        steps = [step for step in bench.steps if step.episode == episode]
        assert [step.index for step in steps] == list(range(101))
        assert steps[0].reward == 0.0
        assert not steps[0].action.any()
        assert not any(step.terminal for step in steps)
        assert all(len(step.frames) == 1 for step in steps)


def test_loop_step_carries_the_action_that_led_to_it(bench: Bench) -> None:
    bench.until(episodes=1)
    for before, after in zip(bench.steps, bench.steps[1:], strict=False):
        assert np.array_equal(after.action, after.state[10:15])
        moved = after.state[:5] - before.state[:5]
        assert np.allclose(moved, bench.config.agent.action_scale * after.action * CYCLE, atol=1e-5)


def test_loop_reward_is_that_of_the_frame_the_step_brings(bench: Bench) -> None:
    bench.until(episodes=1)
    for step in bench.steps[1:]:
        assert step.reward == float(step.frames[-1][0, 0, 0])
    assert bench.results[0].episode_return == sum(step.reward for step in bench.steps)
    assert bench.results[0].target_term == 1.0


def test_loop_random_steps_first_then_the_policy(bench: Bench) -> None:
    bench.until(episodes=3)
    assert [result.random for result in bench.results] == [True, False, False]
    assert [result.env_steps for result in bench.results] == [100, 200, 300]
    assert len(bench.policy.seen) == 150
    actions = np.array([step.action for step in bench.steps[1:101]])
    assert actions.min() < -0.9
    assert actions.max() > 0.9


def test_loop_random_actions_stay_within_their_scale(config: Config) -> None:
    agent = config.agent.model_copy(update={"initial_action_scale": 0.3})
    bench = Bench(config.model_copy(update={"agent": agent}))
    bench.until(episodes=1)
    actions = np.abs([step.action for step in bench.steps[1:]])
    assert 0.29 < actions.max() <= 0.3


def test_loop_after_the_random_steps_no_episode_begins_without_a_policy(bench: Bench) -> None:
    bench.loop.actions.policy_ready = False
    bench.until(episodes=2)
    assert all(result.random for result in bench.results)
    for _ in range(200):
        velocity = bench.cycle()
    assert bench.loop.waits_for_policy
    assert len(bench.steps) == 2 * 101
    assert np.abs(velocity).max() < 1e-9
    bench.loop.actions.policy_ready = True
    bench.until(episodes=3)
    assert len(bench.policy.seen) == 100
    assert bench.policy.episode == 3


def test_loop_resumed_run_continues_its_numbers(config: Config) -> None:
    bench = Bench(config, RunProgress(episode=7, sequence=650, env_steps=120))
    bench.loop.actions.policy_ready = False
    bench.until(episodes=1)
    assert [step.sequence for step in bench.steps] == list(range(650, 650 + 101))
    assert {step.episode for step in bench.steps} == {8}
    assert bench.results[0].env_steps == 220
    assert bench.results[0].random  # 30 random steps were missing, and there is no policy yet
    assert bench.loop.waits_for_policy


def test_loop_random_actions_follow_from_seed_and_episode(config: Config) -> None:
    def actions(bench: Bench) -> list[np.ndarray]:
        bench.until(episodes=1)
        return [step.action for step in bench.steps]

    config = config.model_copy(update={"agent": config.agent.model_copy(update={"initial_steps": 1000})})
    whole = Bench(config)
    whole.until(episodes=2)
    second = [step.action for step in whole.steps[101:]]
    np.testing.assert_array_equal(actions(Bench(config, RunProgress(episode=1, sequence=101, env_steps=100))), second)
    assert not np.array_equal(actions(Bench(config)), second)
    assert not np.array_equal(actions(Bench(config.model_copy(update={"seed": 2}), RunProgress(episode=1))), second)


def test_loop_stacks_never_cross_the_start_of_an_episode(config: Config) -> None:
    bench = Bench(config.model_copy(update={"agent": config.agent.model_copy(update={"initial_steps": 0})}))
    bench.until(episodes=2)
    for start in (0, 100):
        first = bench.policy.seen[start][2]
        assert bench.policy.seen[start] == [first] * 3
        assert bench.policy.seen[start + 1] == [first, first, first + 1]
        assert bench.policy.seen[start + 2] == [first, first + 1, first + 2]


def test_loop_episode_takes_four_seconds_and_a_reset_about_three(bench: Bench) -> None:
    bench.until(episodes=1)
    first = bench.now
    bench.until(episodes=2)
    assert bench.now - first == pytest.approx(7.0, abs=0.1)


@pytest.mark.parametrize(("offset", "seconds"), [(0.0, 0.5), (0.3, 3.0)])
def test_loop_first_reset_is_short_only_where_the_arm_is_at_the_start_pose(
    config: Config, offset: float, seconds: float
) -> None:
    bench = Bench(config, first_reset=0.5)
    bench.position = np.array(config.robot.start) + offset
    while bench.loop.phase is not Phase.RUNNING:
        bench.cycle()
    assert bench.now == pytest.approx(seconds, abs=0.15)
    bench.until(episodes=1)
    ended = bench.now
    while bench.loop.phase is not Phase.RUNNING:
        bench.cycle()
    assert bench.now - ended == pytest.approx(3.0, abs=0.15)


def test_loop_each_episode_starts_at_the_start_pose(bench: Bench) -> None:
    bench.until(episodes=3)
    start = np.array(bench.config.robot.start)[:5]
    for step in bench.steps:
        if step.index == 0:
            assert np.abs(step.state[:5] - start).max() < 0.02


def test_loop_reset_goes_the_way_of_the_task_in_the_same_time(config: Config) -> None:
    detour = tuple(angle + 0.2 for angle in config.robot.start)
    bench = Bench(config, waypoints=(detour,))
    nearest = np.inf
    while bench.loop.phase is not Phase.RUNNING:
        bench.cycle()
        nearest = min(nearest, np.abs(bench.position - detour).max())
    assert nearest < 0.02
    assert np.abs(bench.position - config.robot.start).max() < 0.05  # a first action is on its way
    assert bench.now < 3.5


def test_loop_no_episode_before_its_target_is_placed(bench: Bench) -> None:
    bench.place_targets = False
    for _ in range(200):
        bench.cycle()
    assert not bench.steps
    assert 1 < bench.targets.count(1) < 20  # asked again, but not in every cycle
    bench.place_targets = True
    bench.until(episodes=1)


def test_loop_each_episode_asks_for_its_own_target(bench: Bench) -> None:
    bench.until(episodes=3)
    assert bench.targets == [1, 2, 3, 4]


def test_loop_rests_without_joints_or_limits(config: Config) -> None:
    bench = Bench(config)
    assert not bench.loop.act(0.0, None).any()
    bench.loop.limits = None
    assert not bench.cycle().any()


def test_loop_frames_between_two_actions_all_travel(config: Config) -> None:
    agent = config.agent.model_copy(update={"action_cycle_time": 0.08})
    bench = Bench(config.model_copy(update={"agent": agent}))
    for _ in range(150):
        bench.frame += 1
        image = np.full((45, 80, 3), bench.frame % 256, np.uint8)
        bench.loop.add_frame(Frame(image, int(1e9 * bench.now), bench.now))
        bench.cycle()
    frames = np.concatenate([step.frames[:, 0, 0, 0] for step in bench.steps if step.index > 0])
    assert len(frames) == 100
    assert (np.diff(frames.astype(int)) % 256 == 1).all()


def test_loop_terminal_state_ends_the_episode_before_its_time(config: Config) -> None:
    bench = Bench(config)
    bench.terminal = lambda outcome: bench.loop.recorder.index == 30  # type: ignore[method-assign]
    bench.until(episodes=2)
    for episode in (1, 2):
        steps = [step for step in bench.steps if step.episode == episode]
        assert [step.index for step in steps] == list(range(31))
        assert [step.terminal for step in steps] == [False] * 30 + [True]
    assert [result.env_steps for result in bench.results] == [30, 60]
    assert bench.results[0].target_term == 1.0
    assert [step.sequence for step in bench.steps] == list(range(2 * 31))
    assert bench.loop.episodes.aborted == 0


def test_loop_terminal_state_at_the_time_limit_is_stored_as_terminal(config: Config) -> None:
    bench = Bench(config)
    bench.terminal = lambda outcome: bench.loop.recorder.index == 100  # type: ignore[method-assign]
    bench.until(episodes=2)
    assert [step.index for step in bench.steps if step.terminal] == [100, 100]
    assert len(bench.steps) == 2 * 101
