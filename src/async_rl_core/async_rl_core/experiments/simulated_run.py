"""A whole run in simulated time: the arm waits for the learner, so the same seed gives the same run on any day."""

import math
import weakref
from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from async_rl_core.agent.acting_policy import ActingPolicy
from async_rl_core.agent.loop import AgentLoop, EpisodeResult, Phase
from async_rl_core.agent.observation import Frame, JointState
from async_rl_core.agent.outbox import Outbox
from async_rl_core.agent.soft_limits import SoftLimits
from async_rl_core.config.schema import Config
from async_rl_core.experiments.rendered_scene import RenderedScene
from async_rl_core.safety.guard import Guard
from async_rl_core.safety.kinematics import Kinematics
from async_rl_core.safety.states import GuardMode
from async_rl_core.sim.arm import SimulatedArm
from async_rl_core.sim.disturbance import DelayLine, SensorNoise
from async_rl_core.sim.model import urdf_text
from async_rl_core.spec.step import Step
from async_rl_core.tasks.checks import CheckedReward
from async_rl_core.tasks.registry import make_target
from async_rl_core.tasks.task import Reward

RESET_FRAME_PERIOD = 0.3
"""Seconds between the images that are drawn while the arm moves back to its start pose and no episode needs them.

Below the time after which the agent takes the camera for silent.
"""
EARLY = 1e-6
"""Seconds by which a moment may be early and still count: simulated time is a sum of many floats."""


class SimulatedLearning(Protocol):
    """What takes the steps and gives the policy."""

    @property
    def policy(self) -> ActingPolicy:
        """Chooses the actions after the random ones."""

    def send(self, step: Step) -> bool:
        """Take a step; False: not now."""

    def poll(self) -> bool:
        """Learn what is due; returns whether the policy is another one now."""


class LatestReward:
    """A task's reward that is computed once per image and joint position, however often it is asked for."""

    def __init__(self, reward: Reward) -> None:
        self._reward = reward
        self._image: NDArray[np.uint8] | None = None
        self._position: NDArray[np.float64] | None = None
        self._result = (0.0, 0.0)

    def __call__(self, image: NDArray[np.uint8], position: NDArray[np.float64]) -> tuple[float, float]:
        """Returns reward and target term; see `Reward`."""
        if image is not self._image or position is not self._position:
            self._result = self._reward(image, position)
            self._image, self._position = image, position  # not before: one that raises is asked again
        return self._result


class SimulatedRun:
    """Agent, guard, arm and camera, robot cycle by robot cycle, with no thread, no process and no clock.

    The parts are those of a real run; only what carries messages between them is missing, and with it every delay but
    `sim.image_latency`. Two runs of one configuration do the same to the last bit on one machine, with one number of
    torch threads and one renderer.

    Args:
        config: configuration of the run.
        learning: takes the steps and gives the policy.
        stage: scene and renderer, for a caller that uses them for several runs; the run makes its own without one.
    """

    def __init__(self, config: Config, learning: SimulatedLearning, stage: RenderedScene | None = None) -> None:
        self.config = config
        self.stage = stage or RenderedScene(config)
        scene = self.stage.scene
        self.reward = LatestReward(CheckedReward(config.task, scene.task.reward()))
        self._outbox = Outbox(learning.send)
        place, via = _weakly(self._place_target), scene.task.via
        self.loop = AgentLoop(config, learning.policy, self.reward, self._outbox, place, via=via)
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
        self._ticks = self._captures = self._actions = 0
        self._sensed = -1
        self.joints = JointState(self._arm.position, self._arm.velocity, 0.0)
        self._read_description()

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
        return self._ticks * self._robot_cycle

    def episodes(self) -> Iterator[EpisodeResult]:
        """Run for as long as results are asked for: each episode as it ends."""
        while True:
            if (result := self.tick()) is not None:
                yield result

    def proceed(self) -> None:
        """Go on to the cycle of the next action: agent and guard have what is sensed there, and have not acted yet."""
        self.tick()
        while not self._is_action_due:
            self.tick()
        self._sense()

    def cut_short(self) -> None:
        """Leave the episode, if one runs: what follows is the motion back to the start pose."""
        self.loop.act(self.time, None)

    def tick(self) -> EpisodeResult | None:
        """One cycle of the robot; returns the episode that ended in it, if one did."""
        self._sense()
        now = self.time
        result = self._act(now) if self._is_action_due else None
        self.guard.on_publishers(now, 1)
        self._arm.command(self.guard.tick(now))
        self._ticks += 1
        self._arm.advance(self.time)
        return result

    def close(self) -> None:
        """Ends the renderer."""
        self.stage.close()

    @property
    def _is_action_due(self) -> bool:
        return self.time + EARLY >= self._actions * self._cycle

    def _sense(self) -> None:
        """Let agent and guard have the joints and the images of this cycle, once."""
        if self._sensed == self._ticks:
            return
        self._sensed = self._ticks
        now = self.time
        angles = self._noise.position(self._arm.position)
        self.joints = JointState(angles, self._arm.velocity, now)
        self.guard.on_joint_state(now, round(1e9 * now), self.config.robot.joints, angles.tolist())
        if now + EARLY >= self._captures / self.config.camera.rate:
            self._captures += 1
            self._capture(now)
        for frame in self._frames.due(now + EARLY):
            self.loop.add_frame(Frame(frame.image, frame.stamp, now))

    def _capture(self, now: float) -> None:
        """Draws and sends the camera's image, unless nobody would look at it."""
        if self._is_image_needed(now):
            self._drawn = now
            point = self._target.position(now - self._placed_at)
            image = self._noise.image(self._renderer.render(self._arm.position, point).copy())
            self._frames.push(Frame(image, round(1e9 * now), now), now)

    def _is_image_needed(self, now: float) -> bool:
        loop = self.loop
        if not self._may_skip or loop.phase is not Phase.RESETTING or self._outbox.held:
            return True
        return now - self._drawn >= RESET_FRAME_PERIOD or loop.asks(now, self.joints)

    def _act(self, now: float) -> EpisodeResult | None:
        self._actions += 1
        obstacle = "" if self.guard.state is GuardMode.ARMED else "the guard to be armed"
        velocity: NDArray[np.float64] = self.loop.act(now, self.joints, obstacle)
        self.guard.on_command(now, self._actions, self.config.robot.joints, velocity.tolist())
        result = self.loop.settle(now)
        self.loop.policy_ready = self._learning.poll() or self.loop.policy_ready
        return result

    def _place_target(self, episode: int) -> None:
        self._target.reset(episode)
        self._placed_at = self._ticks * self._robot_cycle
        self.loop.target_placed(episode)


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
