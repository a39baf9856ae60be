"""The agent's loop: observe and act; then, with the command on its way, reward and record."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from async_rl_core.agent.acting_policy import ActingPolicy, Action, Vector, VelocityLimits
from async_rl_core.agent.action_source import ActionSource
from async_rl_core.agent.camera_health import CameraHealth
from async_rl_core.agent.confirmation_gate import ConfirmationGate
from async_rl_core.agent.episode_state_machine import EpisodeStateMachine, Phase
from async_rl_core.agent.observation import Frame, JointState, ObservationBuffer
from async_rl_core.agent.outbox import Outbox
from async_rl_core.agent.run_progress import BEGINNING, RunProgress
from async_rl_core.agent.state_row import StateRow
from async_rl_core.agent.step_recorder import EpisodeResult, RecordedObservation, StepRecorder
from async_rl_core.agent.target_placement import TargetPlacement
from async_rl_core.config.schema import Config
from async_rl_core.spec.crop import Crop
from async_rl_core.spec.observation import ObservationSpec
from async_rl_core.tasks.checks import CheckedTask, TaskError
from async_rl_core.tasks.outcome import NO_IMAGE, NO_STATE, Outcome, TaskState

FRAME_TIMEOUT = 0.5
STATE_TIMEOUT = 0.1
TASK_STATE_TIMEOUT = 0.5
"""Seconds after which a silent camera, arm or source of the task's state ends the episode: its input is stale."""

_NO_FRAMES: NDArray[np.uint8] = np.zeros((0, 0, 0, 3), np.uint8)


class AgentLoop:
    """Runs episodes of `episode_duration`, each after a reset to the start pose; learning pauses neither.

    In each cycle, call `act` for the joint velocity, send it, then call `settle`, which does all that can wait:
    reward, the step for replay, bookkeeping. Times are in seconds of one clock.

    Args:
        config: the run's configuration.
        policy: used once `initial_steps` random steps are done and `policy_ready` is set; no episode begins between.
        task: judges the steps, and knows the waypoints of a reset.
        outbox: takes the steps for replay.
        place_target: requests the target of an episode, until it is answered through `target_placed`.
        start: progress of the run.
        witnesses: names of those that have to `confirm` a step before it is sent to replay.
        first_reset: seconds of the first reset where the arm is at the start pose already; as the others by default.

    Attributes:
        limits: keep the tool in its box ahead of the safety guard; while they are None, the arm rests.
        blocked_by: what the arm waits for while it rests; empty while it does not.
        refused: number of steps that could not be stored, because a value was not finite or the task failed.
        refusal: reason of the newest refusal.
    """

    def __init__(
        self,
        config: Config,
        policy: ActingPolicy,
        task: CheckedTask,
        outbox: Outbox,
        place_target: Callable[[int], None],
        start: RunProgress = BEGINNING,
        witnesses: Sequence[str] = (),
        first_reset: float | None = None,
    ) -> None:
        agent, robot = config.agent, config.robot
        self._config = config
        self._actuated = np.array([robot.joints.index(name) for name in robot.actuated_joints], dtype=np.intp)
        self._task, self._outbox = task, outbox
        self._state_row = StateRow(ObservationSpec.from_config(config), self._actuated)
        self.observations = ObservationBuffer(Crop.from_config(config), agent.frame_stack)
        self.actions = ActionSource(config, policy)
        self.target = TargetPlacement(place_target)
        self.episodes = EpisodeStateMachine(config, task, self.target, start.episode, first_reset)
        steps = round(agent.episode_duration / agent.action_cycle_time)
        self.recorder = StepRecorder(task, outbox, steps, len(self._actuated), start)
        self.gate = ConfirmationGate(outbox, witnesses, task.uses_camera)
        self.actions.begin_episode(start.episode)
        self.limits: VelocityLimits | None = None
        self.blocked_by = ""
        self.refused = 0
        self.refusal = ""
        self._interruption = ""
        self._camera_health = CameraHealth()
        self._joints: JointState | None = None
        self._task_state: TaskState | None = None
        self._rest: Vector = np.zeros(len(robot.joints))

    @property
    def phase(self) -> Phase:
        """The phase of the episode."""
        return self.episodes.phase

    @property
    def uses_camera(self) -> bool:
        """Whether an observation has an image."""
        return self._task.uses_camera

    @property
    def waits_for_policy(self) -> bool:
        """Whether the random steps are done and there is no policy yet, so that no episode begins."""
        return self.actions.lacks_policy(self.recorder.env_steps)

    def add_frame(self, frame: Frame) -> None:
        """Takes an image of the camera."""
        self.observations.add(frame)

    def add_task_state(self, state: TaskState) -> None:
        """Takes values of the task's observation parts."""
        self._task_state = state

    def interrupt(self, reason: str) -> None:
        """Aborts the episode in the next cycle, because of an event that may be over by then."""
        self._interruption = reason

    def will_choose(self, now: float, joints: JointState) -> bool:
        """Returns whether `act` would now choose an action: an episode runs, or begins."""
        if self.phase is Phase.RUNNING:
            return not self.recorder.is_complete
        return self.phase is Phase.RESETTING and self._may_begin(now, joints)

    def state(self, joints: JointState, action: Action) -> NDArray[np.float32]:
        """Returns the state row (s,) that is observed now, after `action` (a,)."""
        return self._state_row(joints, action, self._task_values)

    def act(self, now: float, joints: JointState | None, blocked_by: str = "") -> Vector:
        """Returns the joint velocity (n,) in rad/s for this cycle. This is the control path: nothing here may wait.

        `blocked_by` names what else the arm has to wait for, if anything.
        """
        self.actions.policy_acted = False
        self._joints = joints
        missing = self._missing(now, joints)
        self.blocked_by = missing or blocked_by or self._interruption or self._camera_health.trouble
        self._interruption = ""
        if joints is None or self.blocked_by:
            self._abort()
            return self._rest
        if self.phase is Phase.WAITING:
            self.episodes.start_reset(now, joints.position)
        if self.phase is Phase.RESETTING and self._may_begin(now, joints):
            self.recorder.begin_episode(self.episodes.episode)
            self.actions.begin_episode(self.episodes.episode)
            self.episodes.run()
        if self.phase is Phase.RUNNING:
            return self._step(now, joints)
        return self.episodes.reset_velocity(now, joints.position)

    def settle(self, now: float) -> EpisodeResult | None:
        """Rewards and records the cycle that `act` began; returns the result of the episode that ended, if any."""
        changed = self._image_changed()
        result, recorded = None, self.recorder.waiting is not None
        if recorded:
            try:
                result = self.recorder.record()
            except TaskError as error:
                recorded = False
                self._refuse(str(error))
        if result is not None and self.phase is Phase.RUNNING and self._joints is not None:
            self.episodes.start_reset(now, self._joints.position)  # a terminal state, before the time limit
        self.gate.update(recorded, changed)
        if self.episodes.waits_for_target:
            self.target.request_when_due(now, self.episodes.episode)
        self._outbox.flush()
        return result

    @property
    def _task_values(self) -> Mapping[str, NDArray[np.float64]]:
        return NO_STATE if self._task_state is None else self._task_state.values

    def _missing(self, now: float, joints: JointState | None) -> str:
        config, task, newest, state = self._config, self._task, self.observations.newest, self._task_state
        missing = {
            f"joint states on {config.robot.state_topic}": joints is None or now - joints.received >= STATE_TIMEOUT,
            f"images on {config.image_topic}": task.uses_camera
            and (newest is None or now - newest.received >= FRAME_TIMEOUT),
            "the state of the task on task_state": task.has_state
            and (state is None or now - state.received >= TASK_STATE_TIMEOUT),
            "robot_description": self.limits is None,
        }
        return ", ".join(name for name, absent in missing.items() if absent)

    def _image_changed(self) -> bool:
        newest = self.observations.newest
        return (
            newest is not None and self._joints is not None and self._camera_health.see(newest, self._joints.position)
        )

    def _may_begin(self, now: float, joints: JointState) -> bool:
        episode, state = self.episodes.episode, self._task_state
        is_stale = self._task.has_state and state is not None and state.episode not in (0, episode)
        return not (self.waits_for_policy or is_stale) and self.episodes.is_reset_done(now, joints.position)

    def _abort(self) -> None:
        """Discards the unconfirmed steps and leaves the episode."""
        self.gate.withdraw()
        self.episodes.abort()
        self.recorder.waiting = None

    def _refuse(self, reason: str) -> Vector:
        """Leaves the episode because its step cannot be learned from; returns the velocity at rest."""
        self.refused += 1
        self.refusal = reason
        if self.phase is Phase.RUNNING:
            self._abort()
        else:  # by its last step: the next reset has begun already
            self.episodes.aborted += 1
            self.gate.withdraw()
        return self._rest

    def _step(self, now: float, joints: JointState) -> Vector:
        observations, recorder = self.observations, self.recorder
        frames, image = _NO_FRAMES, NO_IMAGE
        if self._task.uses_camera:
            frames = observations.start_episode() if recorder.index == 0 else observations.take()
            assert observations.newest is not None
            image = observations.newest.image
        state = self.state(joints, recorder.action)
        if not np.isfinite(state).all():
            topic = self._config.robot.state_topic
            return self._refuse(
                f"task '{self._config.task}': joint states on {topic} hold values that are not finite in float32"
            )
        outcome = Outcome(joints.position, joints.velocity, recorder.action, image, self._task_values)
        recorder.observe(RecordedObservation(frames, state, outcome))
        if recorder.is_complete:
            self.episodes.start_reset(now, joints.position)
            return self.episodes.reset_velocity(now, joints.position)
        action = self.actions.choose(recorder.env_steps, observations if self._task.uses_camera else None, state)
        recorder.act(action, not self.actions.policy_acted)
        if not np.isfinite(action).all():
            return self._refuse(f"task '{self._config.task}': the policy's action holds values that are not finite")
        velocity = np.zeros_like(self._rest)
        velocity[self._actuated] = self._config.agent.action_scale * action
        assert self.limits is not None
        return self.limits.shape(joints.position, velocity)
