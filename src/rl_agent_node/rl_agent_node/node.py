"""The real-time loop as a process: camera and joints in, joint velocity command out, every action cycle."""

import gc
import time
from dataclasses import replace
from functools import partial
from typing import TypeVar

import numpy as np
from builtin_interfaces.msg import Time
from numpy.typing import NDArray
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image
from sensor_msgs.msg import JointState as JointStateMessage
from std_msgs.msg import String
from std_srvs.srv import Trigger

from async_rl_core.agent.command_gaps import GapMeter
from async_rl_core.agent.joint_input import JointInput
from async_rl_core.agent.loop import AgentLoop, EpisodeResult, Phase
from async_rl_core.agent.observation import Frame, JointState
from async_rl_core.agent.outbox import Outbox
from async_rl_core.agent.reset import SHORTEST
from async_rl_core.agent.run_progress import BEGINNING, RunProgress
from async_rl_core.agent.soft_limits import SoftLimits
from async_rl_core.agent.timing import TimedPolicy, Timing
from async_rl_core.agent.warm_up import warm_up
from async_rl_core.bringup.exit_codes import FAULTED
from async_rl_core.learning import backend as learning
from async_rl_core.realtime.schedule import Schedule
from async_rl_core.spec.observation import ObservationSpec
from async_rl_core.tasks.registry import make_task
from async_rl_interfaces.msg import Episode, FeaturePoints, GuardState, LearnerState, Target, VelocityCommand
from async_rl_interfaces.msg import Timing as TimingMessage
from async_rl_interfaces.srv import ResetTarget
from async_rl_ros import qos, scheduling
from async_rl_ros.description import description_input, take_description
from async_rl_ros.diagnostics import Diagnostics, Health
from async_rl_ros.images import CvBridge, CvBridgeError
from async_rl_ros.learner_state import TOPIC, learner_state_message
from async_rl_ros.node import ConfiguredNode, StopSignal
from async_rl_ros.node import main as run_node
from async_rl_ros.processor import ProcessorClock, page_reads_and_evictions
from async_rl_ros.service_caller import ServiceCaller
from async_rl_ros.stamps import nanoseconds, ros_time
from async_rl_ros.trouble import TroubleLog
from rl_agent_node import messages
from rl_agent_node.guard_view import GuardView

M = TypeVar("M", Episode, LearnerState, TimingMessage)

GRACE = 0.002
"""Seconds past the deadline that the loop waits for a frame which is due: acting on the last one costs a cycle."""
CATCH_UP = 0.002
"""Seconds in which what came while this process worked is taken in; when it came is not known then."""
REPORT_PERIOD = 1.0
RETIRE_TIMEOUT = 0.3
GUARD_TIMEOUT = 2.5
"""Seconds after which a silent guard, which repeats its state every second, counts as not armed."""
TARGET_TIMEOUT = 2.5
"""Seconds after which a silent target, which is told every second at least, counts as gone."""
TARGET_ANSWER = 2.0
"""Seconds until a target that does not answer is asked again; a request may be lost while nodes find each other."""
GUARD, TARGET = "guard", "target"  # both confirm each second that the arm was led and the target shown
PRIORITY = 20


class RLAgentNode(ConfiguredNode):
    """Declares what it speaks, converts messages, and calls the core's `AgentLoop`."""

    def __init__(self) -> None:
        super().__init__("rl_agent_node")
        config = self.config
        if config.architecture == "seq" and config.learns:
            # The middleware's threads stay in real time; updates in it would starve everything else.
            self.get_logger().info(f"learns in this process, {scheduling.urgent()}")
        start = RunProgress.of(config.run_dir) if config.run_dir else BEGINNING  # before anything new is stored
        self._learning = learning.connect(config, self.get_logger().warning)
        self._outbox = Outbox(self._learning.send, self._learning.receipt, start.sequence)
        task = make_task(config)
        reward = task.reward()
        warm_up(config, self._learning.policy, reward)
        self._actor = TimedPolicy(self._learning.policy, time.monotonic)
        self._loop = AgentLoop(
            config, self._actor, reward, self._outbox, self._place_target, start, task.via, (GUARD, TARGET), SHORTEST
        )
        self._trouble = TroubleLog(self)
        self._timing = Timing(start.cycles, start.missed_cycles, start.stale_images)
        self._joints: JointState | None = None
        self._guard = GuardView()
        self._target_heard = 0.0
        self._joint_input = JointInput(config.robot.state_topic, config.robot.joints)
        self._description = description_input(config.robot, self.get_logger().warning)
        self._target_episode = 0
        self._unusable = ""
        self._acted_on: Frame | None = None
        self._resumed = self._arrived = self._receiving = 0.0
        self._frame_missed = False
        self._sequence = 0
        self._completed = start.finished
        self._bridge = CvBridge()
        camera, spec = config.camera, ObservationSpec.of(config)
        self._crop_share = np.array([spec.width / camera.width, spec.height / camera.height])
        self._connect()
        self._processor = ProcessorClock()
        self._half_frame = 0.5 / config.camera.rate
        self._started = self._next_report = time.monotonic()
        self._gaps = GapMeter(self._started, self._processor.read, page_reads_and_evictions)
        self._schedule = Schedule(
            config.agent.action_cycle_time, 1 / config.camera.rate, config.agent.phase_margin, self._started
        )

    def _connect(self) -> None:
        robot = self.config.robot
        # As many as an observation holds: with Seq-SAC some come while this process learns.
        frames = QoSProfile(depth=self.config.agent.frame_stack, reliability=ReliabilityPolicy.BEST_EFFORT)
        self.create_subscription(Image, self.config.image_topic, self._on_image, frames)
        self.create_subscription(JointStateMessage, robot.state_topic, self._on_joint_state, qos.SENSOR)
        self.create_subscription(GuardState, "safety_guard_node/state", self._on_guard_state, qos.LATCHED)
        self.create_subscription(String, "robot_description", self._on_robot_description, qos.DESCRIPTION)
        self.create_subscription(Target, "target", self._on_target, qos.LATCHED)
        self._command = self.create_publisher(VelocityCommand, "~/command", qos.COMMAND)
        self._episodes = self.create_publisher(Episode, "~/episode", qos.LATCHED_HISTORY)
        self._timings = self.create_publisher(TimingMessage, "~/timing", qos.LATCHED)
        if self._learning.learner is not None:
            self._learner_states = self.create_publisher(LearnerState, TOPIC, qos.LATCHED)
        self._points = self.create_publisher(FeaturePoints, "~/feature_points", qos.SENSOR)
        self._reset_target = ServiceCaller(self.create_client(ResetTarget, "visual_target_node/reset"), TARGET_ANSWER)
        self._disarm = self.create_client(Trigger, "safety_guard_node/disarm")
        self._diagnostics = Diagnostics(self, self._health)
        self._message = VelocityCommand(name=list(robot.joints))
        self._message.header.frame_id = robot.base_frame

    def _on_image(self, message: Image) -> None:
        received = time.monotonic()
        try:
            image = self._bridge.imgmsg_to_cv2(message, "rgb8")
        except CvBridgeError as error:
            self._refuse(f"of encoding {message.encoding} cannot be read: {error}")
            return
        expected = (self.config.camera.height, self.config.camera.width, 3)
        if image.shape != expected:
            size, wanted = (f"{shape[1]}x{shape[0]}" for shape in (image.shape, expected))
            self._refuse(f"are {size}, expected {wanted}; set image_width and image_height to the camera's")
            return
        self._unusable = ""
        self._loop.add_frame(Frame(image, nanoseconds(message.header.stamp), received))
        if received - self._resumed > CATCH_UP:  # else it came earlier, while this process worked
            self._arrived = received
            self._schedule.follow(received)
        elif self._frame_missed:
            self._frame_missed = False
            self._schedule.postpone()
        self._receiving += time.monotonic() - received

    def _refuse(self, why: str) -> None:
        self._unusable = f"images that can be used: those on {self.config.image_topic} {why}"
        self.get_logger().error(f"waiting for {self._unusable}", throttle_duration_sec=5.0)

    def _on_joint_state(self, message: JointStateMessage) -> None:
        stamp = nanoseconds(message.header.stamp)
        joints = self._joint_input.read(time.monotonic(), stamp, message.name, message.position, message.velocity)
        self._joints = joints or self._joints
        if self._joint_input.problem:
            self.get_logger().error(f"cannot use joint states: {self._joint_input.problem}", throttle_duration_sec=5.0)

    def _on_guard_state(self, message: GuardState) -> None:
        if self._guard.hear(message, time.monotonic()):
            self._loop.interrupt("the guard, which had a fault")
        elif self._guard.armed:
            self._loop.confirm(GUARD)

    def _on_target(self, message: Target) -> None:
        self._target_episode = message.episode
        self._target_heard = time.monotonic()
        if message.episode == self._loop.episode:
            self._loop.confirm(TARGET)

    def _on_robot_description(self, message: String) -> None:
        kinematics = take_description(self._description, message.data, self.get_logger().error)
        if kinematics is None:  # the guard takes the first too; building a model takes longer than a cycle
            return
        self._message.description = self._description.digest
        robot = self.config.robot
        limits = SoftLimits(robot, kinematics, self.config.agent.action_cycle_time)
        limits.shape(np.array(robot.start), np.ones(len(robot.joints)))  # the first call is slow
        self._loop.limits = limits

    def _place_target(self, episode: int) -> None:
        self._reset_target.call(ResetTarget.Request(episode=episode), lambda _: self._loop.target_placed(episode))

    def run(self, stop: StopSignal) -> None:
        """Act at every deadline until the stop, the duration or the last episode; then rest."""
        self.get_logger().info(scheduling.lock_memory())
        scheduling.freeze_garbage()  # what is new is collected between episodes
        self._schedule.advance(time.monotonic())
        while not stop.requested and not self._finished():
            self._await_deadline()
            self._cycle()
        self._retire()
        if self._guard.fault_stands(time.monotonic()):
            self.exit_code = FAULTED

    def _retire(self) -> None:
        """Rest, and let the guard disarm rather than find this node silent."""
        self._publish_command(np.zeros(len(self.config.robot.joints)))
        self._report()
        if self._guard.armed and self._disarm.service_is_ready():
            answer = self._disarm.call_async(Trigger.Request())
            end = time.monotonic() + RETIRE_TIMEOUT
            while not answer.done() and time.monotonic() < end:
                self.executor_.spin_once(timeout_sec=0.02)

    def _finished(self) -> bool:
        duration, episodes = self.config.duration, self.config.episodes
        if duration is not None and time.monotonic() - self._started >= duration:
            return True
        return episodes is not None and self._completed >= episodes

    def _await_deadline(self) -> None:
        now = time.monotonic()
        in_time = now < self._schedule.due
        # Too late already, after a long update: what came meanwhile is taken in all the same.
        until = self._schedule.due if in_time else now + CATCH_UP
        while (remaining := until - time.monotonic()) > 0:
            self.executor_.spin_once(timeout_sec=remaining)
        grace = self._schedule.due + GRACE
        while not self._frame_is_in() and (remaining := grace - time.monotonic()) > 0:
            self.executor_.spin_once(timeout_sec=remaining)
        self._frame_missed = in_time and not self._frame_is_in()
        now = time.monotonic()
        self._gaps.mark("waiting", now)
        if in_time:
            self._gaps.overslept(now - self._schedule.due - (0.0 if self._frame_is_in() else GRACE))

    def _frame_is_in(self) -> bool:
        """Whether the frame that this deadline waits for has come; one that was late for the last does not count."""
        return self._arrived > self._schedule.due - self._half_frame

    def _cycle(self) -> None:
        """Command first; what can wait comes after it."""
        start = time.monotonic()
        newest = self._loop.observations.newest
        fresh = newest if newest is not self._acted_on else None
        self._acted_on = newest
        rested, refused = self._loop.phase is Phase.WAITING, self._loop.refused
        velocity = self._loop.act(start, self._joints, self._obstacle(start))
        self._publish_command(velocity, fresh)
        sent = time.monotonic()
        self._gaps.mark("acting", sent)
        self._gaps.sent(sent, self._guard.armed)
        self._measure(start, sent, fresh)
        if explanation := self._guard.explanation(self._gaps):
            self.get_logger().warning(explanation)
        if self._loop.policy_acted:
            self._publish_points()
        result = self._loop.settle(start)
        self._gaps.mark("settling", time.monotonic())
        if self._loop.policy_acted:
            work = time.monotonic() - start + self._receiving
            self._timing.components(self._actor.seconds, work - self._actor.seconds)
        self._receiving = 0.0
        if result is not None:
            self._report_episode(result)
            self._gaps.mark("reporting an episode, collecting garbage", time.monotonic())
        if self._loop.refused > refused or (self._loop.phase is Phase.WAITING and not rested):
            self.get_logger().warning(messages.departure(self._loop, refused, self._waits_for))
        self._loop.policy_ready = self._learning.poll() or self._loop.policy_ready
        self._gaps.mark("taking parameters", time.monotonic())
        if start >= self._next_report:
            self._next_report = start + REPORT_PERIOD
            self._report()
        self._resumed = time.monotonic()
        self._gaps.mark("reporting", self._resumed)

    def _obstacle(self, now: float) -> str:
        """What the arm has to wait for, of all that the loop cannot see."""
        if not self._guard.armed or now - self._guard.heard >= GUARD_TIMEOUT:
            return "the guard to be armed"
        if self._loop.phase is Phase.RUNNING and (
            now - self._target_heard >= TARGET_TIMEOUT or self._target_episode != self._loop.episode
        ):
            return "visual_target_node to show the target"
        return ""

    @property
    def _waits_for(self) -> str:
        joints = self._joint_input.problem and f"joint states that can be used: {self._joint_input.problem}"
        return self._unusable or joints or self._loop.obstacle

    def _report(self) -> None:
        self._trouble.note("records", self._learning.trouble)
        longest, elapsed = self._gaps.longest, time.monotonic() - self._started
        self._timings.publish(self._stamped(messages.timing_message(self._timing, self._outbox, longest, elapsed)))
        if self._learning.learner is not None:
            self._learner_states.publish(self._stamped(learner_state_message(self._learning.learner)))

    def _publish_command(self, velocity: NDArray[np.float64], answered: Frame | None = None) -> None:
        self._sequence += 1
        self._message.header.stamp = self.get_clock().now().to_msg()
        self._message.sequence = self._sequence
        self._message.observation_stamp = ros_time(answered.stamp) if answered else Time()
        self._message.velocity = velocity.tolist()
        self._command.publish(self._message)

    def _measure(self, start: float, sent: float, fresh: Frame | None) -> None:
        lateness = sent - self._schedule.due
        self._timing.cycle(lateness, self._schedule.advance(sent), sent - start)
        if fresh is None:
            self._timing.stale_images += 1
            return
        if fresh.stamp <= 0:  # the image has no stamp: its age is not known
            return
        latency = 1e-9 * (self.get_clock().now().nanoseconds - fresh.stamp)
        self._timing.image(latency - (sent - start), latency)

    def _publish_points(self) -> None:
        newest = self._loop.observations.newest
        if newest is None or self._points.get_subscription_count() == 0:
            return
        points = self._learning.policy.feature_points * self._crop_share
        message = FeaturePoints(x=points[:, 0].tolist(), y=points[:, 1].tolist())
        message.header.stamp = ros_time(newest.stamp)
        self._points.publish(message)

    def _report_episode(self, result: EpisodeResult) -> None:
        self._completed += 1
        message = messages.episode_message(result, self._timing, self._learning.updates)
        self._episodes.publish(self._stamped(message))
        gc.collect(1)

    def _stamped(self, message: M) -> M:
        message.header.stamp = self.get_clock().now().to_msg()
        return message

    def _health(self) -> Health:
        waiting_for = messages.waiting_for(self._loop, self._waits_for)
        trouble = self._learning.trouble or self._loop.refusal
        health = messages.health(waiting_for, trouble, self._timing, self._outbox, self._loop.aborted)
        more = {"longest gap between commands": str(self._gaps.longest), "refused steps": self._loop.refused}
        return replace(health, values={**health.values, **more})

    def close(self) -> None:
        """Give the shared memory back."""
        self._learning.close()


def main() -> None:
    """Entry point."""
    run_node(RLAgentNode, partial(scheduling.realtime, PRIORITY))
