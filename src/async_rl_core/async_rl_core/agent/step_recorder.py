"""The steps of an episode and its result."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from async_rl_core.agent.acting_policy import Action
from async_rl_core.agent.outbox import Outbox
from async_rl_core.agent.run_progress import RunProgress
from async_rl_core.spec.step import Step
from async_rl_core.tasks.checks import CheckedTask
from async_rl_core.tasks.outcome import Outcome


@dataclass(frozen=True, slots=True)
class EpisodeResult:
    """An episode that ran to its end."""

    episode: int
    """Counts the episodes that ended."""
    random: bool
    env_steps: int
    episode_return: float
    target_term: float
    success: bool


@dataclass(frozen=True, slots=True, eq=False)
class RecordedObservation:
    """An observation that waits for its reward."""

    frames: NDArray[np.uint8]
    """(k, height, width, 3), oldest first."""
    state: NDArray[np.float32]
    outcome: Outcome


class StepRecorder:
    """Turns observations and actions into steps for replay, and an episode's steps into its result.

    Args:
        task: judges the outcomes of the actions.
        outbox: takes the steps.
        steps_per_episode: actions of an episode.
        actions: size of an action.
        start: progress of the run.

    Attributes:
        episode: number that the steps bear.
        index: of the next step in its episode.
        env_steps: actions of the run whose outcome was observed.
        ended: number of episodes of the run that ended.
        action: the newest action (a,).
        waiting: the observation that `record` will store.
    """

    def __init__(
        self, task: CheckedTask, outbox: Outbox, steps_per_episode: int, actions: int, start: RunProgress
    ) -> None:
        self.env_steps, self.ended = start.env_steps, start.ended
        self.waiting: RecordedObservation | None = None
        self._task, self._outbox = task, outbox
        self._steps_per_episode = steps_per_episode
        self._zero_action: Action = np.zeros(actions, np.float32)
        self.begin_episode(start.episode)

    def begin_episode(self, episode: int) -> None:
        """Starts an episode without steps."""
        self.episode, self.index = episode, 0
        self.action = self._previous = self._zero_action
        self.waiting = None
        self._return = 0.0
        self._terms: list[float] = []
        self._terminal = False
        self._random = True

    @property
    def is_complete(self) -> bool:
        """Whether no action of the episode is left: its time is over, or it reached a terminal state."""
        return self._terminal or self.index >= self._steps_per_episode

    def observe(self, observation: RecordedObservation) -> None:
        """Takes the observation that the newest action led to, for `record`."""
        self.env_steps += self.index > 0
        self.waiting = observation
        self._previous = self.action

    def act(self, action: Action, is_random: bool) -> None:
        """Takes the action that follows the newest observation."""
        self.action = action
        self._random = self._random and is_random

    def record(self) -> EpisodeResult | None:
        """Stores the waiting observation as a step; returns the result of the episode that it completes, if any.

        Raises `TaskError` where its reward cannot be stored.
        """
        waiting, self.waiting = self.waiting, None
        assert waiting is not None
        reward = 0.0
        if self.index > 0:
            reward, target_term, self._terminal = self._task.judge(waiting.outcome)
            self._return += reward
            self._terms.append(target_term)
        self._outbox.put(
            Step(
                actor=self._outbox.actor,
                sequence=self._outbox.sequence,
                episode=self.episode,
                index=self.index,
                frames=waiting.frames,
                state=waiting.state,
                action=self._previous,
                reward=reward,
                terminal=self._terminal,
            )
        )
        result = self._result() if self.is_complete else None
        self.index += 1
        return result

    def _result(self) -> EpisodeResult:
        self.ended += 1
        term = self._task.episode_term(self._terms)
        success = self._task.is_success(term)
        return EpisodeResult(self.ended, self._random, self.env_steps, self._return, term, success)
