"""The source of the actions: random numbers first, then the policy."""

import numpy as np
from numpy.typing import NDArray

from async_rl_core.agent.acting_policy import ActingPolicy, Action
from async_rl_core.agent.observation import ObservationBuffer
from async_rl_core.config.schema import Config
from async_rl_core.spec.randomness import Stream, episode_seed
from async_rl_core.tasks.outcome import NO_IMAGE


class ActionSource:
    """Chooses uniformly random actions for the first `initial_steps` steps of a run, then those of the policy.

    Attributes:
        policy_ready: whether there is a policy.
        policy_acted: whether the newest action is the policy's.
    """

    def __init__(self, config: Config, policy: ActingPolicy) -> None:
        self.policy_ready = self.policy_acted = False
        self._policy = policy
        self._seed, self._size = config.seed, len(config.robot.actuated_joints)
        self._initial_steps, self._bound = config.agent.initial_steps, config.agent.initial_action_scale

    def begin_episode(self, episode: int) -> None:
        """Sets the random numbers to those of an episode."""
        self._rng = np.random.default_rng(episode_seed(self._seed, Stream.RANDOM_ACTIONS, episode))
        self._policy.begin_episode(episode)

    def lacks_policy(self, env_steps: int) -> bool:
        """Returns whether the random steps are done and there is no policy yet, so that no episode may begin."""
        return not self.policy_ready and env_steps >= self._initial_steps

    def choose(self, env_steps: int, observations: ObservationBuffer | None, state: NDArray[np.float32]) -> Action:
        """Returns the next action (a,) in [-1, 1], after `env_steps` steps of the run.

        `observations` holds the images, `state` (s,) is the state row; None without a camera.
        """
        self.policy_acted = self.policy_ready and env_steps >= self._initial_steps
        if self.policy_acted:
            image = NO_IMAGE if observations is None else observations.image()
            return self._policy.act(image, state).copy()
        return self._rng.uniform(-self._bound, self._bound, self._size).astype(np.float32)
