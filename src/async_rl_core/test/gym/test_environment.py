"""The environment keeps Gymnasium's rules, and is the same task as a run."""

import gc
import weakref
from collections.abc import Iterator

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import async_rl_core.gym
from async_rl_core.errors import SimulationError
from async_rl_core.experiments.simulated_run import SimulatedRun
from async_rl_core.gym.environment import ArmEnv
from async_rl_core.spec.step import Step

gymnasium.register_envs(async_rl_core.gym)
SHORT = {"agent.episode_duration": 0.4, "agent.reset_duration": 0.6, "sim.renderer": "raycast"}


@pytest.fixture
def env() -> Iterator[ArmEnv]:
    made = ArmEnv("ur5", "reaching", "laptop", SHORT, render_mode="rgb_array")
    yield made
    made.close()


def test_environment_each_pair_of_robot_and_task_that_goes_has_a_name() -> None:
    ours = {name.removeprefix("async_rl/") for name in gymnasium.registry if name.startswith("async_rl/")}
    for robot in ("UR5", "UR5e", "Panda", "FR3"):
        assert {f"{robot}Reacher-v0", f"{robot}Tracker-v0"} <= ours
    assert {name for name in ours if "VisualReacher" in name} == {"PandaVisualReacher-v0", "FR3VisualReacher-v0"}


@pytest.mark.parametrize("name", ["UR5Reacher", "PandaVisualReacher"])
@pytest.mark.filterwarnings("error::UserWarning:gymnasium")
def test_environment_gymnasiums_own_check_passes(name: str) -> None:
    env = gymnasium.make(f"async_rl/{name}-v0", preset="laptop", overrides=SHORT, render_mode="rgb_array")
    check_env(env.unwrapped)
    env.close()


def test_environment_by_default_it_is_the_papers_task() -> None:
    env = gymnasium.make("async_rl/UR5Reacher-v0", overrides={"sim.renderer": "raycast"})
    space = env.observation_space
    assert isinstance(space, gymnasium.spaces.Dict)
    assert (space["image"].shape, space["state"].shape) == ((88, 156, 9), (15,))
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

    def act(self, images: np.ndarray, state: np.ndarray) -> np.ndarray:
        self.seen.append((images.copy(), state.copy()))
        self._next += 1
        return self._actions[self._next - 1]

    def send(self, step: Step) -> bool:
        self.steps.append(step)
        return True

    def poll(self) -> bool:
        return True


def test_environment_what_it_shows_and_pays_is_what_a_run_has_for_the_same_actions(env: ArmEnv) -> None:
    actions = np.random.default_rng(4).uniform(-1, 1, (10, 5)).astype(np.float32)
    recorder = Rehearsed(actions)
    run = SimulatedRun(env.config, recorder)
    results = run.episodes()
    expected = [next(results) for _ in range(2)]
    run.close()
    shown, paid = [], []
    for _ in range(2):
        observation, _ = env.reset(seed=env.config.seed if not shown else None)
        for action in actions:
            shown.append(observation)
            observation, reward, terminated, truncated, _ = env.step(action)
            paid.append(reward)
        assert truncated and not terminated
    assert paid == [step.reward for step in recorder.steps if step.index > 0]
    assert sum(paid[:10]) == pytest.approx(expected[0].episode_return)
    for observation, (images, state) in zip(shown, recorder.seen, strict=True):
        np.testing.assert_array_equal(observation["image"], images)
        np.testing.assert_array_equal(observation["state"], state)


def test_environment_reset_in_an_episode_places_the_next_target(env: ArmEnv) -> None:
    first, _ = env.reset(seed=3)
    env.step(env.action_space.sample())
    second, _ = env.reset()
    assert not np.array_equal(first["image"], second["image"])
    np.testing.assert_allclose(second["state"][:5], env.config.robot.start[:5], atol=0.02)
    assert not second["state"][10:].any()
    for _ in range(10):
        *_, truncated, _ = env.step(np.zeros(5, np.float32))
    assert truncated


def test_environment_seed_gives_the_same_again_and_another_gives_another(env: ArmEnv) -> None:
    images = [env.reset(seed=seed)[0]["image"] for seed in (5, 5, 6)]
    np.testing.assert_array_equal(images[0], images[1])
    assert not np.array_equal(images[0], images[2])


def test_environment_step_outside_an_episode_is_refused(env: ArmEnv) -> None:
    with pytest.raises(ValueError, match=r"call reset\(\)"):
        env.step(np.zeros(5, np.float32))
    env.reset()
    for _ in range(10):
        env.step(np.zeros(5, np.float32))
    with pytest.raises(ValueError, match=r"call reset\(\)"):
        env.step(np.zeros(5, np.float32))


def test_environment_picture_is_the_cameras(env: ArmEnv) -> None:
    assert env.render() is None
    env.reset()
    picture = env.render()
    assert picture is not None and picture.shape == (45, 80, 3)


def test_environment_arm_that_the_guard_stopped_is_an_error_and_not_an_endless_wait(env: ArmEnv) -> None:
    env.reset()
    assert env._run is not None
    env._run.guard.on_command(env._run.time, 10**9, ("wrong",), [0.0])
    with pytest.raises(SimulationError, match="guard stopped the arm"):
        env.step(np.zeros(5, np.float32))
    env.reset()
    env.step(np.zeros(5, np.float32))


@pytest.mark.parametrize(("cycle", "rate"), [(0.04, 25), (0.08, 12.5), (0.032, 31.25)])
def test_environment_render_fps_is_the_rate_of_the_action_cycle(cycle: float, rate: float) -> None:
    slow = {**SHORT, "agent.action_cycle_time": cycle, "guard.watchdog": 0.2}
    env = ArmEnv("ur5", "reaching", "laptop", slow, render_mode="rgb_array")
    assert env.metadata["render_fps"] == rate
    assert ArmEnv.metadata["render_fps"] == 25
    env.close()


@pytest.mark.parametrize(
    "action",
    [
        np.zeros(4, np.float32), np.zeros((1, 5), np.float32), 0.5, np.full(5, np.nan), [0.0, np.inf, 0.0, 0.0, 0.0],
        ["a"] * 5, [[0.0], [0.0, 1.0], 0.0, 0.0, 0.0], None, np.zeros(5, bool), np.zeros(5, complex), {"a": 1},
    ],
    ids=str,
)  # fmt: skip
def test_environment_step_wrong_action_is_refused_and_the_environment_stays_usable(env: ArmEnv, action: object) -> None:
    env.reset()
    with pytest.raises(ValueError, match=r"^an action ") as refusal:
        env.step(action)  # type: ignore[arg-type]
    assert "\n" not in str(refusal.value)
    for _ in range(10):
        observation, *_, truncated, _ = env.step(np.zeros(5, np.float32))
    assert truncated  # the refused step did not count
    env.reset()
    assert observation in env.observation_space


def test_environment_step_action_beyond_the_bounds_is_clipped(env: ArmEnv) -> None:
    env.reset(seed=1)
    clipped = env.step(np.full(5, 30.0))
    env.reset(seed=1)
    largest = env.step(np.ones(5, np.float32))
    assert clipped[0] in env.observation_space
    np.testing.assert_array_equal(clipped[0]["state"], largest[0]["state"])
    assert clipped[1] == largest[1]


def test_environment_observation_noisy_joints_stays_in_its_space() -> None:
    env = ArmEnv("ur5", "reaching", "laptop", {**SHORT, "sim.joint_noise": 0.001})
    env.reset(seed=1)
    assert env._run is not None
    env._run.joints.velocity.setflags(write=True)
    env._run.joints.velocity[:] = 99.0
    assert env._observation(env._run) in env.observation_space
    env.close()


def test_environment_unseeded_environments_differ_and_a_seed_of_the_overrides_counts() -> None:
    images, seeds = [], []
    for overrides in (SHORT, SHORT, {**SHORT, "seed": 7}, {**SHORT, "seed": 7}):
        env = ArmEnv("ur5", "reaching", "laptop", overrides)
        images.append(env.reset()[0]["image"])
        seeds.append(env.config.seed)
        env.close()
    assert len(set(seeds[:2])) == 2
    assert not np.array_equal(images[0], images[1])
    np.testing.assert_array_equal(images[2], images[3])


def test_environment_reset_seed_frees_the_run_before_at_once(env: ArmEnv) -> None:
    gc.disable()
    try:
        runs = []
        for seed in range(3):
            env.reset(seed=seed)
            env.step(np.zeros(5, np.float32))
            assert env._run is not None
            runs.append([weakref.ref(part) for part in (env._run, env._run.loop, env._run.guard, env._run._arm)])
        assert [[part() is None for part in run] for run in runs] == [[True] * 4, [True] * 4, [False] * 4]
        env.close()
        assert [part() for part in runs[-1]] == [None] * 4
    finally:
        gc.enable()


def test_environment_closed_environment_refuses_and_says_so(env: ArmEnv) -> None:
    env.reset()
    env.close()
    env.close()
    for call in (env.reset, env.render, lambda: env.step(np.zeros(5, np.float32))):
        with pytest.raises(ValueError, match="environment is closed; make another"):
            call()


@pytest.mark.parametrize("vectorization_mode", ["sync", "async"])
def test_environment_vector_environments_step_and_reset(vectorization_mode: str) -> None:
    envs = gymnasium.make_vec(
        "async_rl/UR5Reacher-v0", 2, vectorization_mode, preset="laptop", overrides=SHORT
    )  # fmt: skip
    observation, _ = envs.reset(seed=4)
    assert observation["image"].shape[0] == 2
    assert not np.array_equal(observation["image"][0], observation["image"][1])
    truncations = 0
    for _ in range(12):
        observation, reward, _, truncated, _ = envs.step(envs.action_space.sample())
        truncations += int(truncated.sum())
    assert truncations == 2 and np.isfinite(reward).all()
    envs.close()
