"""A whole run in simulated time: the arm waits for the learner, so the same seed gives the same run on any day."""

import math
import weakref
from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from async_rl_core.agent.acting_policy import ActingPolicy, Action
from async_rl_core.agent.agent_cycle import AgentCycle
from async_rl_core.agent.command_gaps import GapMeter
from async_rl_core.agent.episode_state_machine import Phase
from async_rl_core.agent.liveness import GuardReport, Liveness
from async_rl_core.agent.loop import AgentLoop
from async_rl_core.agent.observation import Frame, JointState
from async_rl_core.agent.outbox import Outbox
from async_rl_core.agent.soft_limits import SoftLimits
from async_rl_core.agent.step_recorder import EpisodeResult
from async_rl_core.agent.timing import TimedPolicy, Timing
from async_rl_core.config.schema import Config
from async_rl_core.experiments.rendered_scene import RenderedScene
from async_rl_core.realtime.clock import VirtualClock
from async_rl_core.realtime.pacer import EARLY, Pacer
from async_rl_core.realtime.schedule import Schedule
from async_rl_core.safety.guard import Guard
from async_rl_core.safety.kinematics import Kinematics
from async_rl_core.safety.states import GuardMode
from async_rl_core.sim.arm import SimulatedArm
from async_rl_core.sim.camera import Renderer
from async_rl_core.sim.disturbance import DelayLine, SensorNoise
from async_rl_core.sim.model import urdf_text
from async_rl_core.spec.step import Step
from async_rl_core.tasks.checks import TaskError
from async_rl_core.tasks.latest_judgement import LatestJudgement
from async_rl_core.tasks.outcome import NO_IMAGE, NO_STATE, Outcome, TaskState
from async_rl_core.tasks.registry import make_target

RESET_FRAME_PERIOD = 0.3
"""Seconds between the images that are drawn while the arm moves back to its start pose and no episode needs them.

Below the time after which the agent takes the camera for silent.
"""


class SimulatedLearning(Protocol):
    """Takes the steps and gives the policy."""

    @property
    def policy(self) -> ActingPolicy:
        """Chooses the actions after the random ones."""

    def send(self, step: Step) -> bool:
        """Takes a step; returns False where it cannot now."""

    def poll(self) -> bool:
        """Does the updates that are due; returns whether the policy changed."""


class SimulatedRun:
    """Agent, guard, arm and camera, robot cycle by robot cycle, in one thread and on a virtual clock.

    The parts are those of a real run, pacing included; only the messages between them are missing, and with them every
    delay but `sim.image_latency`. Computing takes no simulated time. Two runs of one configuration do the same to the
    last bit on one machine, with one number of torch threads and one renderer.

    A step that cannot be stored raises `TaskError`.

    Args:
        config: configuration of the run.
        learning: takes the steps and gives the policy.
        stage: scene and renderer, for a caller that uses them for several runs; by default the run makes its own.
    """

    def __init__(self, config: Config, learning: SimulatedLearning, stage: RenderedScene | None = None) -> None:
        self.config = config
        self.stage = stage or RenderedScene(config)
        scene = self.stage.scene
        self.task = LatestJudgement(config.task, scene.task)
        self._outbox = Outbox(learning.send)
        self._clock = VirtualClock()
        policy = TimedPolicy(learning.policy, self._clock.now)
        self.loop = AgentLoop(config, policy, self.task, self._outbox, _weakly(self._place_target))
        self._agent = self._make_agent(policy)
        self.guard = Guard(config.robot, config.guard.model_copy(update={"auto_arm": True}), self._cycle)
        self._learning = learning
        self._arm = SimulatedArm(scene)
        self._renderer = self.stage.renderer
        self._noise = SensorNoise(config.sim, config.seed)
        self._frames: DelayLine[Frame] = DelayLine(config.sim.image_latency)
        self._may_skip = _may_skip(config)
        self._drawn = -math.inf
        self._target = make_target(config)
        self._placed_at = 0.0
        self._robot_cycle = 1.0 / config.robot.state_rate
        self._ticks = self._captures = self._commands = 0
        self._is_action_due = False
        self.joints = JointState(self._arm.position, self._arm.velocity, 0.0)
        self._task_values = NO_STATE
        self._read_description()
        self._sense()

    def _make_agent(self, policy: TimedPolicy) -> AgentCycle:
        clock, frame_period = self._clock, 1 / self.config.camera.rate
        schedule = Schedule(self._cycle, frame_period, margin=0.0, start=-self._cycle)  # the first deadline is now
        return AgentCycle(
            self.loop,
            Pacer(schedule, clock, frame_period if self.task.uses_camera else None, grace=0.0, catch_up=0.0),
            Liveness(clock),
            policy,
            Timing(),
            GapMeter(0.0, lambda: (0.0, 0.0), lambda: (0, 0)),
            clock,
            lambda: round(1e9 * clock.now()),
        )

    def _read_description(self) -> None:
        robot, urdf = self.config.robot, urdf_text(self.config.robot)
        self.guard.on_description(urdf)
        kinematics = Kinematics(urdf, robot.joints, robot.workspace.frame, robot.tool_frame)
        self.loop.limits = SoftLimits(robot, kinematics, self._cycle)

    @property
    def _cycle(self) -> float:
        return self.config.agent.action_cycle_time

    @property
    def time(self) -> float:
        """Simulated seconds since the start."""
        return self._clock.now()

    def episodes(self) -> Iterator[EpisodeResult]:
        """Runs for as long as results are asked for; yields the result of each episode as it ends."""
        while True:
            if (result := self._act()) is not None:
                yield result
            self._wait()

    def proceed(self) -> None:
        """Goes on to the next action, which is due then and not chosen yet."""
        self._act()
        self._wait()

    def outcome(self, action: Action) -> Outcome:
        """Returns the outcome of the newest action (a,), as the loop will judge it."""
        newest = self.loop.observations.newest
        image = NO_IMAGE if newest is None or not self.task.uses_camera else newest.image
        return Outcome(self.joints.position, self.joints.velocity, action, image, self._task_values)

    def cut_short(self) -> None:
        """Aborts the episode, if one runs: the motion back to the start pose follows."""
        self.loop.act(self.time, None)

    def close(self) -> None:
        """Ends the renderer."""
        self.stage.close()

    def _tick(self) -> None:
        """Goes on to the next cycle of the robot."""
        now = self.time
        self.guard.on_publishers(now, 1)
        self._arm.command(self.guard.tick(now))
        self._ticks += 1
        self._clock.advance_to(self._ticks * self._robot_cycle)
        self._arm.advance(self.time)
        self._sense()

    def _sense(self) -> None:
        """Passes the joints and the images of this cycle to agent and guard."""
        now = self.time
        angles = self._noise.position(self._arm.position)
        self.joints = self._agent.joints = JointState(angles, self._arm.velocity, now)
        self.guard.on_joint_state(now, round(1e9 * now), self.config.robot.joints, angles.tolist())
        if self._renderer is not None and now + EARLY >= self._captures / self.config.camera.rate:
            self._captures += 1
            self._capture(self._renderer, now)
        for frame in self._frames.due(now + EARLY):
            self._agent.add_frame(Frame(frame.image, frame.stamp, now))

    def _capture(self, renderer: Renderer, now: float) -> None:
        """Draws and sends the camera's image, unless nobody would look at it."""
        if self._is_image_needed(now):
            self._drawn = now
            point = (0.0, 0.0) if self._target is None else self._target.position(now - self._placed_at)
            image = self._noise.image(renderer.render(self._arm.position, point).copy())
            self._frames.push(Frame(image, round(1e9 * now), now), now)

    def _is_image_needed(self, now: float) -> bool:
        loop = self.loop
        if not self._may_skip or loop.phase is not Phase.RESETTING or self._outbox.held:
            return True
        return now - self._drawn >= RESET_FRAME_PERIOD or loop.will_choose(now, self.joints)

    def _wait(self) -> None:
        self._agent.wait(lambda seconds: self._tick())
        if self.task.has_state:
            episode = self.loop.episodes.episode
            self._task_values = self.task.simulated_state(self._arm.view(episode))
            self.loop.add_task_state(TaskState(self._task_values, episode, self.time))
        self._is_action_due = True

    def _act(self) -> EpisodeResult | None:
        """Takes the action that is due, if one is; returns the result of the episode that it ended, if any."""
        if not self._is_action_due:
            return None
        self._is_action_due = False
        agent, mode = self._agent, self.guard.state
        agent.liveness.guard.hear(GuardReport(mode is GuardMode.ARMED, mode is GuardMode.FAULT, faults=0))
        agent.liveness.target.hear(self.loop.episodes.episode)
        agent.act(self._command)
        result = agent.settle()
        if self.loop.refused:  # a real arm would wait and try again
            raise TaskError(self.loop.refusal)
        self.loop.actions.policy_ready = self._learning.poll() or self.loop.actions.policy_ready
        agent.resume()
        return result

    def _command(self, velocity: NDArray[np.float64], answered: Frame | None) -> None:
        self._commands += 1
        self.guard.on_command(self.time, self._commands, self.config.robot.joints, velocity.tolist())

    def _place_target(self, episode: int) -> None:
        if self._target is not None:
            self._target.reset(episode)
        self.task.reset_scene(self._arm.view(episode))
        self._placed_at = self.time
        self.loop.target.placed(episode)


def _weakly(method: Callable[[int], None]) -> Callable[[int], None]:
    """Returns a callback that does not keep the method's object alive: a run that is dropped is freed at once."""
    reference = weakref.WeakMethod(method)

    def call(episode: int) -> None:
        if (bound := reference()) is not None:
            bound(episode)

    return call


def _may_skip(config: Config) -> bool:
    """Returns whether leaving out images of a reset changes nothing but the time that a run takes.

    An episode begins with the image of that moment, so there must be one at every action. Noise is drawn per image.
    """
    images_per_action = config.camera.rate * config.agent.action_cycle_time
    is_whole = round(images_per_action) >= 1 and abs(images_per_action - round(images_per_action)) < EARLY
    return is_whole and not config.sim.image_noise and not config.sim.image_latency
