"""The phases of the episodes: waiting, resetting, running."""

from enum import Enum

import numpy as np

from async_rl_core.agent.acting_policy import Vector
from async_rl_core.agent.reset import ResetPath
from async_rl_core.agent.target_placement import TargetPlacement
from async_rl_core.config.schema import Config
from async_rl_core.tasks.checks import CheckedTask

SETTLE_TIME = 0.5
"""Seconds of the reset in which the arm comes to rest after the motion."""


class Phase(Enum):
    """The phase of an episode."""

    WAITING = "waiting"
    RESETTING = "resetting"
    RUNNING = "running"


class EpisodeStateMachine:
    """Moves from waiting over a reset to a running episode, and back.

    Args:
        config: the run's configuration.
        task: the task, which knows the waypoints of a reset.
        target: placement of the episodes' targets.
        episode: number of the episode that was started last.
        first_reset: seconds of the first reset where the arm is at the start pose already; as the others by default.

    Attributes:
        phase: the present phase.
        episode: number of the episode that was started last, also where it was aborted. Random numbers, target and
            steps of an episode belong to its number.
        aborted: number of episodes that did not run to their end.
    """

    def __init__(
        self,
        config: Config,
        task: CheckedTask,
        target: TargetPlacement,
        episode: int,
        first_reset: float | None,
    ) -> None:
        self.phase = Phase.WAITING
        self.episode = episode
        self.aborted = 0
        self._config, self._task, self._target = config, task, target
        self._start_pose = np.array(config.robot.start)
        self._motion: ResetPath | None = None
        self._reset_start = 0.0
        self._reset_time, self._first_reset = config.agent.reset_duration, first_reset

    @property
    def waits_for_target(self) -> bool:
        """Whether the reset lasts because the target is not placed."""
        return self.phase is Phase.RESETTING and not self._target.is_placed(self.episode)

    def start_reset(self, now: float, position: Vector) -> None:
        """Starts the next episode by the motion from `position` (n,) in rad to the start pose."""
        agent, robot = self._config.agent, self._config.robot
        duration = max(0.0, agent.reset_duration - SETTLE_TIME)
        self.episode += 1
        waypoints = self._task.reset_waypoints(self.episode, len(self._start_pose))
        poses = [*waypoints, self._start_pose]
        self._motion = ResetPath(position, poses, robot.reset_velocity, duration, now, agent.action_cycle_time)
        first, self._first_reset = self._first_reset, None
        self._reset_time = agent.reset_duration
        if first is not None and self._motion.arrived(position):
            self._reset_time = first
        self._reset_start = now
        self._target.start(now)
        self.phase = Phase.RESETTING

    def is_reset_done(self, now: float, position: Vector) -> bool:
        """Returns whether the arm is at its start pose, the time of the reset is over and the target is placed."""
        assert self._motion is not None
        elapsed = now - self._reset_start
        arrived = elapsed >= self._reset_time and self._motion.arrived(position)
        return arrived and self._target.is_placed(self.episode)

    def reset_velocity(self, now: float, position: Vector) -> Vector:
        """Returns the joint velocity (n,) in rad/s of the reset motion, with the joints at `position` (n,) in rad."""
        assert self._motion is not None
        return self._motion.velocity(now, position)

    def run(self) -> None:
        """Lets the episode run."""
        self.phase = Phase.RUNNING

    def abort(self) -> None:
        """Goes back to waiting. An episode that ran counts as aborted."""
        self.aborted += self.phase is Phase.RUNNING
        self.phase = Phase.WAITING
