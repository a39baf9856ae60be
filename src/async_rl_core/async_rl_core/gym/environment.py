"""A task in simulated time as a Gymnasium environment, for other learners."""

from collections.abc import Mapping
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from async_rl_core.config.load import resolve
from async_rl_core.errors import AsyncRLError, SimulationError
from async_rl_core.experiments.rendered_scene import RenderedScene
from async_rl_core.experiments.simulated_run import SimulatedRun
from async_rl_core.spec.observation import ObservationSpec
from async_rl_core.spec.step import Step

LARGEST_ANGLE = 2 * np.pi
LARGEST_VELOCITY = 10.0
"""rad and rad/s: bounds of the observation space."""

SEEDS = 2**31
"""A run's seed is smaller than this."""

Action = NDArray[np.float32]
Observation = dict[str, NDArray[Any]]


class EnvironmentUseError(AsyncRLError, ValueError):
    """A call that the environment refuses; the environment itself is as it was before the call."""


class _Hand:
    """Takes the place of policy and learner: returns the action that it was given, and stores nothing."""

    def __init__(self, actions: int) -> None:
        self.action: Action = np.zeros(actions, np.float32)

    @property
    def policy(self) -> "_Hand":
        return self

    def begin_episode(self, episode: int) -> None:
        """Draws no random numbers."""

    def act(self, images: NDArray[np.uint8], state: NDArray[np.float32]) -> Action:
        return self.action

    def send(self, step: Step) -> bool:
        return True

    def poll(self) -> bool:
        return True


class ArmEnv(gymnasium.Env[Observation, Action]):
    """A task as an environment: an action cycle per step; simulated time stands still between two steps.

    The agent's loop, the guard, the arm, the camera and the reward are those of a run (`SimulatedRun`), and so are the
    numbers: those of the papers, unless a preset or `overrides` say otherwise. `reset` includes the motion back to the
    start pose, in which no step is counted. An episode is truncated by its time limit and terminated by its task.
    `info` has the target term of each step, and `is_success` at the end of an episode.

    Observation: `state` (s,) float32, the parts that a policy may see: angles in rad and velocities in rad/s of the
    actuated joints, the last action and the task's parts, all within the bounds of the space; and, where the task uses
    a camera, `image` (h, w, 3 * frames) uint8, cropped at the centre, oldest frame first. Action: (a,) in [-1, 1];
    values beyond are clipped.

    The first `reset` begins a run of a random seed, unless it is given a seed or `overrides` has one; `reset(seed=...)`
    begins another run. OpenGL runs in a process of its own, which `close` ends.

    Args:
        robot, task: as the launch arguments of these names.
        preset: as the launch argument.
        overrides: values by dotted key, such as {"camera.width": 80}.
        render_mode: 'rgb_array' for the camera's newest image, or None.

    Raises:
        ConfigError: one line, where there is no such configuration.
        SimulationError: the guard stopped the arm, or the simulator cannot run here.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 25}  # noqa: RUF012 # as Gymnasium declares it

    def __init__(
        self,
        robot: str,
        task: str,
        preset: str = "yuan2022_baseline",
        overrides: Mapping[str, object] | None = None,
        render_mode: str | None = None,
    ) -> None:
        self.render_mode = render_mode
        overrides = overrides or {}
        self.config = resolve(preset, {**overrides, "task": task, "agent.initial_steps": 0}, robot)
        agent = self.config.agent
        self.metadata = {**self.metadata, "render_fps": _frame_rate(agent.action_cycle_time)}
        actions = len(self.config.robot.actuated_joints)
        self.action_space = spaces.Box(-1.0, 1.0, (actions,), np.float32)
        spec = ObservationSpec.from_config(self.config)
        self._uses_camera = spec.image is not None
        self._bounds = _bounds(spec)
        parts: dict[str, spaces.Space[Any]] = {"state": spaces.Box(-self._bounds, self._bounds, dtype=np.float32)}
        if spec.image is not None:
            parts = {"image": spaces.Box(0, 255, spec.image, np.uint8), **parts}
        self.observation_space = spaces.Dict(parts)  # type: ignore[assignment] # an array is one of Any kind
        self._steps_per_episode = round(agent.episode_duration / agent.action_cycle_time)
        self._first_seed = self.config.seed if "seed" in overrides else None
        self._stage: RenderedScene | None = RenderedScene(self.config)
        self._run: SimulatedRun | None = None
        self._hand = _Hand(actions)
        self._steps = 0
        self._terms: list[float] = []
        self._in_episode = False

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Moves the arm to its start pose and places the target; a seed begins a run of that seed."""
        stage = self._require_open()
        super().reset(seed=seed)
        if seed is not None:
            self._begin(stage, seed)
        elif self._run is None:
            self._begin(stage, int(self.np_random.integers(SEEDS)) if self._first_seed is None else self._first_seed)
        elif self._in_episode:
            self._run.cut_short()
        self._first_seed = None
        assert self._run is not None
        loop = self._proceed(self._run).loop
        while not loop.will_choose(self._run.time, self._run.joints):
            self._proceed(self._run)
        self._steps = 0
        self._terms.clear()
        self._in_episode = True
        self._hand.action = np.zeros_like(self._hand.action)
        if self._uses_camera:
            loop.observations.start_episode()
        return self._observation(self._run), {}

    def step(self, action: Action) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Acts for one cycle.

        Raises `EnvironmentUseError`, a ValueError, where no episode runs or the action is none of the action space's
        shape and kind; nothing moves then.
        """
        self._require_open()
        if self._run is None or not self._in_episode:
            raise EnvironmentUseError("no episode runs; call reset()")
        self._hand.action = self._checked(action)
        run = self._proceed(self._run)
        self._steps += 1
        if self._uses_camera:
            run.loop.observations.take()
        reward, target_term, terminal = run.task.judge(run.outcome(self._hand.action))
        self._terms.append(target_term)
        truncated = self._steps >= self._steps_per_episode
        self._in_episode = not (terminal or truncated)
        info: dict[str, Any] = {"target_term": target_term}
        if not self._in_episode:
            info["is_success"] = run.task.is_success(run.task.episode_term(self._terms))
        return self._observation(run), reward, terminal, truncated, info

    def render(self) -> NDArray[np.uint8] | None:
        """Returns the camera's newest image (height, width, 3), RGB, whole; None before the first `reset`."""
        self._require_open()
        newest = None if self._run is None else self._run.loop.observations.newest
        return None if self.render_mode is None or newest is None else newest.image.copy()

    def close(self) -> None:
        """Ends the renderer and drops the run; the environment cannot be used afterwards."""
        if self._stage is not None:
            self._stage.close()
        self._stage = self._run = None
        self._in_episode = False

    def _require_open(self) -> RenderedScene:
        if self._stage is None:
            raise EnvironmentUseError("the environment is closed; make another by gymnasium.make")
        return self._stage

    def _begin(self, stage: RenderedScene, seed: int) -> None:
        self._run = None  # one at a time in memory
        self.config = self.config.model_copy(update={"seed": seed % SEEDS})
        self._hand = _Hand(len(self._hand.action))
        self._run = SimulatedRun(self.config, self._hand, stage)
        self._in_episode = False

    def _proceed(self, run: SimulatedRun) -> SimulatedRun:
        run.proceed()
        if run.guard.fault is not None:
            self._run, self._in_episode = None, False  # the next reset begins another run
            raise SimulationError(f"the guard stopped the arm: {run.guard.fault}; call reset()")
        return run

    def _checked(self, action: object) -> Action:
        """Returns the action within the bounds of the action space."""
        shape = self.action_space.shape
        try:
            given = np.asarray(action)
        except ValueError:  # lists of several lengths
            raise EnvironmentUseError(f"an action is an array of shape {shape}, got {action!r}") from None
        if given.shape != shape or given.dtype.kind not in "fiu":
            raise EnvironmentUseError(
                f"an action has the shape {shape} and holds numbers; got shape {given.shape} of type {given.dtype}"
            )
        if not np.isfinite(given).all():
            raise EnvironmentUseError(f"an action is finite, got {given.tolist()}")
        clipped: Action = np.clip(given, -1.0, 1.0).astype(np.float32)
        return clipped

    def _observation(self, run: SimulatedRun) -> Observation:
        state = run.loop.state(run.joints, self._hand.action)[: len(self._bounds)]
        observation: Observation = {"state": np.clip(state, -self._bounds, self._bounds)}
        if self._uses_camera:
            observation["image"] = run.loop.observations.image().copy()
        return observation


def _bounds(spec: ObservationSpec) -> NDArray[np.float32]:
    """Returns the bounds (policy_size,) of the state that a policy sees."""
    known = {"joint_position": LARGEST_ANGLE, "joint_velocity": LARGEST_VELOCITY, "previous_action": 1.0}
    parts = [part for part in spec.parts if not part.privileged]
    return np.concatenate([np.full(part.size, known.get(part.name, np.inf), np.float32) for part in parts])


def _frame_rate(cycle: float) -> float:
    """Returns the steps per second of simulated time, as an int where it is whole."""
    rate = round(1.0 / cycle, 6)
    return int(rate) if rate == int(rate) else rate
