"""The environment keeps Gymnasium's rules, and is the same task as a run."""

from collections.abc import Iterator

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import async_rl_core.gym
from async_rl_core.errors import SimulationError
from async_rl_core.experiments.simulated_run import SimulatedRun
from async_rl_core.gym.environment import ArmEnv
from async_rl_core.replay.step import Step

gymnasium.register_envs(async_rl_core.gym)
SHORT = {"agent.episode_duration": 0.4, "agent.reset_duration": 0.6, "sim.renderer": "raycast"}


@pytest.fixture
def env() -> Iterator[ArmEnv]:
    made = ArmEnv("ur5", "reaching", "laptop", SHORT, render_mode="rgb_array")
    yield made
    made.close()


def test_each_pair_of_robot_and_task_that_goes_has_a_name() -> None:
    ours = {name.removeprefix("async_rl/") for name in gymnasium.registry if name.startswith("async_rl/")}
    for robot in ("UR5", "UR5e", "Panda", "FR3"):
        assert {f"{robot}Reacher-v0", f"{robot}Tracker-v0"} <= ours
    assert {name for name in ours if "VisualReacher" in name} == {"PandaVisualReacher-v0", "FR3VisualReacher-v0"}


@pytest.mark.parametrize("name", ["UR5Reacher", "PandaVisualReacher"])
@pytest.mark.filterwarnings("error::UserWarning:gymnasium")
def test_gymnasiums_own_check_passes(name: str) -> None:
    env = gymnasium.make(f"async_rl/{name}-v0", preset="laptop", overrides=SHORT, render_mode="rgb_array")
    check_env(env.unwrapped)
    env.close()


def test_by_default_it_is_the_papers_task() -> None:
    env = gymnasium.make("async_rl/UR5Reacher-v0", overrides={"sim.renderer": "raycast"})
    space = env.observation_space
    assert isinstance(space, gymnasium.spaces.Dict)
    assert (space["image"].shape, space["proprioception"].shape) == ((88, 156, 9), (15,))
    assert env.action_space == gymnasium.spaces.Box(-1.0, 1.0, (5,), np.float32)
    config = env.unwrapped.config
    assert (config.agent.action_cycle_time, config.agent.episode_duration, config.reward.alpha) == (0.04, 4.0, 800.0)
    env.close()


class Rehearsed:
    """Plays recorded actions, and keeps what replay gets."""

    def __init__(self, actions: np.ndarray) -> None:
        self._actions = actions
        self.policy = self
        self.steps: list[Step] = []
        self.seen: list[tuple[np.ndarray, np.ndarray]] = []

    def begin_episode(self, episode: int) -> None:
        self._next = 0

    def act(self, images: np.ndarray, proprioception: np.ndarray) -> np.ndarray:
        self.seen.append((images.copy(), proprioception.copy()))
        self._next += 1
        return self._actions[self._next - 1]

    def send(self, step: Step) -> bool:
        self.steps.append(step)
        return True

    def poll(self) -> bool:
        return True


def test_what_it_shows_and_pays_is_what_a_run_has_for_the_same_actions(env: ArmEnv) -> None:
    actions = np.random.default_rng(4).uniform(-1, 1, (10, 5)).astype(np.float32)
    recorder = Rehearsed(actions)
    run = SimulatedRun(env.config, recorder)
    results = run.episodes()
    expected = [next(results) for _ in range(2)]
    run.close()
    shown, paid = [], []
    for _ in range(2):
        observation, _ = env.reset()
        for action in actions:
            shown.append(observation)
            observation, reward, terminated, truncated, _ = env.step(action)
            paid.append(reward)
        assert truncated and not terminated
    assert paid == [step.reward for step in recorder.steps if step.index > 0]
    assert sum(paid[:10]) == pytest.approx(expected[0].episode_return)
    for observation, (images, proprioception) in zip(shown, recorder.seen, strict=True):
        np.testing.assert_array_equal(observation["image"], images)
        np.testing.assert_array_equal(observation["proprioception"], proprioception)


def test_an_episode_cut_short_begins_anew_with_the_next_target(env: ArmEnv) -> None:
    first, _ = env.reset(seed=3)
    env.step(env.action_space.sample())
    second, _ = env.reset()
    assert not np.array_equal(first["image"], second["image"])
    np.testing.assert_allclose(second["proprioception"][:5], env.config.robot.start[:5], atol=0.02)
    assert not second["proprioception"][10:].any()
    for _ in range(10):
        *_, truncated, _ = env.step(np.zeros(5, np.float32))
    assert truncated


def test_a_seed_gives_the_same_again_and_another_gives_another(env: ArmEnv) -> None:
    images = [env.reset(seed=seed)[0]["image"] for seed in (5, 5, 6)]
    np.testing.assert_array_equal(images[0], images[1])
    assert not np.array_equal(images[0], images[2])


def test_a_step_outside_an_episode_is_refused(env: ArmEnv) -> None:
    with pytest.raises(ValueError, match=r"call reset\(\)"):
        env.step(np.zeros(5, np.float32))
    env.reset()
    for _ in range(10):
        env.step(np.zeros(5, np.float32))
    with pytest.raises(ValueError, match=r"call reset\(\)"):
        env.step(np.zeros(5, np.float32))


def test_the_picture_is_the_cameras(env: ArmEnv) -> None:
    assert env.render() is None
    env.reset()
    picture = env.render()
    assert picture is not None and picture.shape == (45, 80, 3)


def test_an_arm_that_the_guard_stopped_is_an_error_and_not_an_endless_wait(env: ArmEnv) -> None:
    env.reset()
    env._run.guard.on_command(env._run.time, 10**9, ("wrong",), [0.0])
    with pytest.raises(SimulationError, match="guard stopped the arm"):
        env.step(np.zeros(5, np.float32))
    env.reset(seed=1)
