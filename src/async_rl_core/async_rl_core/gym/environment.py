"""A task in simulated time as a Gymnasium environment, for learners other than ours."""

from collections.abc import Mapping
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from async_rl_core.config.load import resolve
from async_rl_core.config.schema import Config
from async_rl_core.errors import SimulationError
from async_rl_core.experiments.simulated_run import SimulatedRun
from async_rl_core.replay.crop import Crop
from async_rl_core.replay.step import Step

LARGEST_ANGLE = 2 * np.pi
LARGEST_VELOCITY = 10.0
"""rad and rad/s that no joint of an arm exceeds: bounds of the observation space."""

Action = NDArray[np.float32]
Observation = dict[str, NDArray[Any]]


class _Hand:
    """Stands where a policy and its learning would: does what it is told, and keeps nothing."""

    def __init__(self, actions: int) -> None:
        self.action: Action = np.zeros(actions, np.float32)

    @property
    def policy(self) -> "_Hand":
        return self

    def begin_episode(self, episode: int) -> None:
        """Nothing is drawn at random."""

    def act(self, images: NDArray[np.uint8], proprioception: NDArray[np.float32]) -> Action:
        return self.action

    def send(self, step: Step) -> bool:
        return True

    def poll(self) -> bool:
        return True


class ArmEnv(gymnasium.Env[Observation, Action]):
    """An episode of a task per episode, an action cycle per step; the arm rests while the learner thinks.

    The agent's loop, the guard, the arm, the camera and the reward are those of a run (`SimulatedRun`), and so are the
    numbers: those of the papers, unless a preset or `overrides` say otherwise. `reset` includes the motion back to the
    start pose, through which no step is counted. Episodes end by their time limit only.

    Observation: `image` (h, w, 3 * frames) uint8, cropped at the centre, oldest frame first, and `proprioception`
    (3a,): angles in rad and velocities in rad/s of the actuated joints, and the last action. Action: (a,) in [-1, 1].

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
        preset: str = "paper_baseline",
        overrides: Mapping[str, object] | None = None,
        render_mode: str | None = None,
    ) -> None:
        self.render_mode = render_mode
        self.config = resolve(preset, {**(overrides or {}), "task": task, "agent.initial_steps": 0}, robot)
        agent, crop = self.config.agent, Crop.of(self.config)
        actions = len(self.config.robot.actuated_joints)
        self.action_space = spaces.Box(-1.0, 1.0, (actions,), np.float32)
        bounds = np.repeat(np.array([LARGEST_ANGLE, LARGEST_VELOCITY, 1.0], np.float32), actions)
        parts: dict[str, spaces.Space[Any]] = {
            "image": spaces.Box(0, 255, (crop.height, crop.width, 3 * agent.frame_stack), np.uint8),
            "proprioception": spaces.Box(-bounds, bounds, dtype=np.float32),
        }
        self.observation_space = spaces.Dict(parts)  # type: ignore[assignment] # an array is one of Any kind
        self._steps_per_episode = round(agent.episode_duration / agent.action_cycle_time)
        self._begin(self.config)

    def _begin(self, config: Config) -> None:
        self._hand = _Hand(len(config.robot.actuated_joints))
        self._run = SimulatedRun(config, self._hand)
        self._steps = 0
        self._in_episode = False

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Move the arm to its start pose and place the target; a seed begins a run of that seed."""
        super().reset(seed=seed)
        if seed is not None:
            self.close()
            self._begin(self.config.model_copy(update={"seed": seed % 2**31}))
        elif self._in_episode:
            self._run.cut_short()
        self._proceed()
        while not self._run.loop.asks(self._run.time, self._run.joints):
            self._proceed()
        self._steps = 0
        self._in_episode = True
        self._hand.action = np.zeros_like(self._hand.action)
        self._run.loop.observations.start_episode()
        return self._observation(), {}

    def step(self, action: Action) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Act for one cycle; `info` has the reward's target term. Raises ValueError where no episode runs."""
        if not self._in_episode:
            raise ValueError("no episode runs; call reset()")
        self._hand.action = np.asarray(action, np.float32)
        self._proceed()
        self._steps += 1
        self._run.loop.observations.take()
        newest = self._run.loop.observations.newest
        assert newest is not None
        reward, target_term = self._run.reward(newest.image, self._run.joints.position)
        self._in_episode = self._steps < self._steps_per_episode
        return self._observation(), reward, False, not self._in_episode, {"target_term": target_term}

    def render(self) -> NDArray[np.uint8] | None:
        """The camera's newest image (height, width, 3), RGB, whole."""
        newest = self._run.loop.observations.newest
        return None if self.render_mode is None or newest is None else newest.image.copy()

    def close(self) -> None:
        """Give the graphics context back."""
        self._run.close()

    def _proceed(self) -> None:
        self._run.proceed()
        if self._run.guard.fault is not None:
            raise SimulationError(f"the guard stopped the arm: {self._run.guard.fault}; call reset(seed=...)")

    def _observation(self) -> Observation:
        observations = self._run.loop.observations
        return {
            "image": observations.image().copy(),
            "proprioception": observations.proprioception(self._run.joints, self._hand.action),
        }
