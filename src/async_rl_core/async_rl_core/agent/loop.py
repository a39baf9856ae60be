"""The agent's real-time loop: observe, act; then, with the command on its way, reward and remember."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from async_rl_core.agent.acting_policy import ActingPolicy, Action, Vector, VelocityLimits
from async_rl_core.agent.camera_health import CameraHealth
from async_rl_core.agent.observation import Frame, JointState, ObservationBuffer
from async_rl_core.agent.outbox import Outbox
from async_rl_core.agent.randomness import Stream, episode_seed
from async_rl_core.agent.reset import ResetPath
from async_rl_core.agent.run_progress import BEGINNING, RunProgress
from async_rl_core.config.schema import Config
from async_rl_core.spec.crop import Crop
from async_rl_core.spec.step import Step
from async_rl_core.tasks.checks import CheckedReward, TaskError, checked_waypoints
from async_rl_core.tasks.task import Pose, Reward

FRAME_TIMEOUT = 0.5
STATE_TIMEOUT = 0.1
"""Seconds after which a silent camera or arm ends the episode: what it would record is not what happened."""
SETTLE_TIME = 0.5
"""Seconds of the reset that are left for the arm to come to rest after the motion."""
TARGET_RETRY = 0.5
"""Seconds until a target that was not placed is asked for again: a request may be lost while nodes find each other."""


class Phase(Enum):
    """What the loop is doing."""

    WAITING = "waiting"
    RESETTING = "resetting"
    RUNNING = "running"


@dataclass(frozen=True, slots=True)
class EpisodeResult:
    """One episode that ran to its end."""

    episode: int
    """Counts the episodes that ended."""
    random: bool
    env_steps: int
    episode_return: float
    target_term: float


class AgentLoop:
    """Episodes of `episode_duration`, each after a reset to the start pose; learning pauses neither.

    In each cycle call `act` for the joint velocity, put it on the wire, then call `settle`, which does all that
    can wait: reward, the step for replay, bookkeeping. Time is in seconds of a steady clock.

    Args:
        config: the run's configuration.
        actor: the policy, used once `initial_steps` random steps are done and `policy_ready` is set; no episode
            begins in between.
        reward: of the task.
        outbox: takes the steps for replay.
        place_target: asks for the target of an episode, again until it is answered through `target_placed`.
        start: where the run is.
        via: poses that the reset of an episode goes through, rad in command order.
        witnesses: names of those who have to `confirm` what was done before it becomes experience.
        first_reset: seconds of the first reset where the arm is at the start pose already; as the others by default.

    Attributes:
        limits: keeps the tool in its box ahead of the safety guard; until it is known, the arm rests.
        obstacle: what the arm waits for while it rests; empty while it does not.
        aborted: episodes that were left because of one, or of a step that was refused.
        episode: number of the one that was begun last, be it that it is left: no other has its random numbers, its
            target or its steps' number.
        ended: number, for people, of the last one that ended.
        refused: steps that could not be stored because something in them was not finite, or the task failed.
        refusal: why the last of them was not.
    """

    def __init__(
        self,
        config: Config,
        actor: ActingPolicy,
        reward: Reward,
        outbox: Outbox,
        place_target: Callable[[int], None],
        start: RunProgress = BEGINNING,
        via: Callable[[int], Sequence[Pose]] = lambda episode: (),
        witnesses: Sequence[str] = (),
        first_reset: float | None = None,
    ) -> None:
        agent, robot = config.agent, config.robot
        self._agent = agent
        self._reset_velocity = robot.reset_velocity
        self._start_pose = np.array(robot.start)
        self._actuated = np.array([robot.joints.index(name) for name in robot.actuated_joints], dtype=np.intp)
        self._steps_per_episode = round(agent.episode_duration / agent.action_cycle_time)
        self._task = config.task
        self._actor, self._reward = actor, CheckedReward(config.task, reward)
        self._outbox, self._place_target, self._via = outbox, place_target, via
        self._seed = config.seed
        self._sources = f"joint states on {robot.state_topic}", f"images on {config.image_topic}"
        crop = Crop.of(config)
        self.observations = ObservationBuffer(crop, agent.frame_stack, self._actuated)
        self.limits: VelocityLimits | None = None
        self.policy_ready = False
        self.policy_acted = False
        """Whether the action of this cycle is the policy's."""
        self.phase = Phase.WAITING
        self.episode = start.episode
        self.ended = start.ended
        self.env_steps = start.env_steps
        self.obstacle = ""
        self.aborted = self.refused = 0
        self.refusal = ""
        self._interruption = ""
        self._sight = CameraHealth()
        self._unseen = self._awaited = 0
        self._unconfirmed = dict.fromkeys(witnesses, 0)
        self._joints: JointState | None = None
        self._zero_action: Action = np.zeros(len(self._actuated), np.float32)
        self._rest: Vector = np.zeros(len(robot.joints))
        self._motion: ResetPath | None = None
        self._reset_start = self._ask_again = 0.0
        self._reset_time, self._first_reset = agent.reset_duration, first_reset
        self._target_episode = 0
        self._result: EpisodeResult | None = None
        self._begin_episode()

    def _begin_episode(self) -> None:
        self._rng = np.random.default_rng(episode_seed(self._seed, Stream.RANDOM_ACTIONS, self.episode))
        self._actor.begin_episode(self.episode)
        self._index = 0
        self._action = self._previous = self._zero_action
        self._return = 0.0
        self._target_sum = 0.0
        self._random = True
        self._observed: tuple[NDArray[np.uint8], NDArray[np.float32], Frame, Vector] | None = None

    def add_frame(self, frame: Frame) -> None:
        """Note an image of the camera."""
        self.observations.add(frame)

    def target_placed(self, episode: int) -> None:
        """The target of this episode is where it should be."""
        self._target_episode = max(self._target_episode, episode)

    def confirm(self, witness: str) -> None:
        """All was well for this one until now: as far as it knows, what was done so far is what happened."""
        self._unconfirmed[witness] = 0

    def interrupt(self, why: str) -> None:
        """Leave the episode in the next cycle: something interrupted it, which may be over by then."""
        self._interruption = why

    @property
    def waits_for_target(self) -> bool:
        """Whether the reset lasts because the target is not placed."""
        return self.phase is Phase.RESETTING and self._target_episode < self.episode

    @property
    def waits_for_policy(self) -> bool:
        """Whether the random steps are done and there is no policy yet, so that no episode begins."""
        return not self.policy_ready and self.env_steps >= self._agent.initial_steps

    def asks(self, now: float, joints: JointState) -> bool:
        """Whether `act` would now have an action chosen: an episode runs, or begins."""
        if self.phase is Phase.RUNNING:
            return self._index < self._steps_per_episode
        return self.phase is Phase.RESETTING and self._reset_done(now, joints)

    def act(self, now: float, joints: JointState | None, obstacle: str = "") -> Vector:
        """The joint velocity (n,) in rad/s for this cycle. This is the control path: nothing here may wait.

        `obstacle` names what else the arm has to wait for, if anything.
        """
        self.policy_acted = False
        self._joints = joints
        self.obstacle = self._missing(now, joints) or obstacle or self._interruption or self._sight.trouble
        self._interruption = ""
        if joints is None or self.obstacle:
            self._abandon()
            return self._rest
        if self.phase is Phase.WAITING:
            self._start_reset(now, joints)
        if self.phase is Phase.RESETTING and self._reset_done(now, joints):
            self._begin_episode()
            self.phase = Phase.RUNNING
        if self.phase is Phase.RUNNING:
            return self._step(now, joints)
        return self._reset_velocity_at(now, joints)

    def settle(self, now: float) -> EpisodeResult | None:
        """Reward and record the cycle that `act` began; returns the episode that it ended, if one did."""
        changed = self._sees_something_new()
        recorded = self._observed is not None and self._record(*self._observed)
        self._observed = None
        self._hold(recorded, changed)
        if self.waits_for_target and now >= self._ask_again:
            self._ask_again = now + TARGET_RETRY
            self._place_target(self.episode)
        self._outbox.flush()
        result, self._result = self._result, None
        return result

    def _hold(self, recorded: bool, changed: bool) -> None:
        """Keep back what may turn out not to be experience, now that a step was recorded, or the image changed."""
        self._unseen = 0 if changed else self._unseen + recorded
        for witness in self._unconfirmed:
            self._unconfirmed[witness] += recorded
        # One step goes in each cycle, though they are confirmed by the second: many at once would be many updates.
        self._awaited = max(0, self._awaited + recorded - 1, *self._unconfirmed.values())
        self._outbox.held = max(self._unseen, self._awaited)

    def _missing(self, now: float, joints: JointState | None) -> str:
        newest = self.observations.newest
        states, images = self._sources
        missing = {
            states: joints is None or now - joints.received >= STATE_TIMEOUT,
            images: newest is None or now - newest.received >= FRAME_TIMEOUT,
            "robot_description": self.limits is None,
        }
        return ", ".join(name for name, absent in missing.items() if absent)

    def _sees_something_new(self) -> bool:
        newest = self.observations.newest
        return newest is not None and self._joints is not None and self._sight.see(newest, self._joints.position)

    def _abandon(self) -> None:
        """Rest, and leave the episode."""
        self._withdraw()
        if self.phase is Phase.RUNNING:
            self.aborted += 1
        self.phase = Phase.WAITING
        self._observed = None

    def _withdraw(self) -> None:
        """What nobody has confirmed yet does not become experience."""
        self._outbox.withdraw()
        self._unseen = self._awaited = 0
        self._unconfirmed = dict.fromkeys(self._unconfirmed, 0)

    def _refuse(self, why: str) -> Vector:
        """Leave the episode, because what it would record cannot be learned from."""
        self.refused += 1
        self.refusal = why
        if self.phase is Phase.RUNNING:
            self._abandon()
        else:  # by its last step: the reset has begun already
            self.aborted += 1
            self._withdraw()
        return self._rest

    def _start_reset(self, now: float, joints: JointState) -> None:
        duration = max(0.0, self._agent.reset_duration - SETTLE_TIME)
        self.episode += 1
        waypoints = checked_waypoints(self._task, self._via, self.episode, len(self._start_pose))
        poses = [*waypoints, self._start_pose]
        cycle = self._agent.action_cycle_time
        self._motion = ResetPath(joints.position, poses, self._reset_velocity, duration, now, cycle)
        first, self._first_reset = self._first_reset, None
        self._reset_time = self._agent.reset_duration
        if first is not None and self._motion.arrived(joints.position):
            self._reset_time = first
        self._reset_start = now
        self._ask_again = now
        self.phase = Phase.RESETTING

    def _reset_done(self, now: float, joints: JointState) -> bool:
        assert self._motion is not None
        elapsed = now - self._reset_start
        return (
            elapsed >= self._reset_time
            and self._motion.arrived(joints.position)
            and self._target_episode == self.episode
            and not self.waits_for_policy
        )

    def _reset_velocity_at(self, now: float, joints: JointState) -> Vector:
        assert self._motion is not None
        return self._motion.velocity(now, joints.position)

    def _step(self, now: float, joints: JointState) -> Vector:
        observations = self.observations
        frames = observations.start_episode() if self._index == 0 else observations.take()
        proprioception = observations.proprioception(joints, self._action)
        newest = observations.newest
        assert newest is not None
        if not np.isfinite(proprioception).all():
            return self._refuse(f"task '{self._task}': {self._sources[0]} hold values that are not finite in float32")
        self.env_steps += self._index > 0
        self._observed = (frames, proprioception, newest, joints.position)
        self._previous = self._action
        if self._index == self._steps_per_episode:
            self._start_reset(now, joints)
            return self._reset_velocity_at(now, joints)
        self._action = self._choose(proprioception)
        if not np.isfinite(self._action).all():
            return self._refuse(f"task '{self._task}': the policy's action holds values that are not finite")
        velocity = np.zeros_like(self._rest)
        velocity[self._actuated] = self._agent.action_scale * self._action
        assert self.limits is not None
        return self.limits.shape(joints.position, velocity)

    def _choose(self, proprioception: NDArray[np.float32]) -> Action:
        self.policy_acted = self.policy_ready and self.env_steps >= self._agent.initial_steps
        if not self.policy_acted:
            bound = self._agent.initial_action_scale
            return self._rng.uniform(-bound, bound, len(self._actuated)).astype(np.float32)
        self._random = False
        return self._actor.act(self.observations.image(), proprioception).copy()

    def _record(
        self, frames: NDArray[np.uint8], proprioception: NDArray[np.float32], newest: Frame, position: Vector
    ) -> bool:
        """Judge and queue the step; returns whether it can be stored."""
        reward = 0.0
        if self._index > 0:
            try:
                reward, target_term = self._reward(newest.image, position)
            except TaskError as error:
                self._refuse(str(error))
                return False
            self._return += reward
            self._target_sum += target_term
        ended = self._index == self._steps_per_episode
        episode = self.episode - 1 if ended else self.episode  # its successor's reset has begun
        self._outbox.put(
            Step(
                sequence=self._outbox.sequence,
                episode=episode,
                index=self._index,
                frames=frames,
                proprioception=proprioception,
                action=self._previous,
                reward=reward,
                terminal=False,
            )
        )
        if ended:
            self.ended += 1
            self._result = EpisodeResult(
                self.ended, self._random, self.env_steps, self._return, self._target_sum / self._steps_per_episode
            )
        self._index += 1
        return True
