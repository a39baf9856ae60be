"""Subscriptions of the agent: messages become the core's values."""

import time

import numpy as np
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image
from sensor_msgs.msg import JointState as JointStateMessage
from std_msgs.msg import String

from async_rl_core import topics
from async_rl_core.agent.agent_cycle import AgentCycle
from async_rl_core.agent.joint_input import JointInput
from async_rl_core.agent.observation import Frame
from async_rl_core.agent.soft_limits import SoftLimits
from async_rl_core.tasks.checks import CheckedTask, TaskError
from async_rl_core.tasks.outcome import TaskState
from async_rl_interfaces.msg import GuardState, Target
from async_rl_interfaces.msg import TaskState as TaskStateMessage
from async_rl_ros import qos
from async_rl_ros.description import description_input, take_description
from async_rl_ros.images import CvBridge, CvBridgeError
from async_rl_ros.node import ConfiguredNode
from async_rl_ros.ros_time import nanoseconds
from rl_agent_node.messages import guard_report, task_values

GUARD, TARGET = "guard", "target"
"""Witnesses: each confirms, every second, that the arm was led and the target shown."""


class AgentInputs:
    """Subscribes on behalf of `node` and passes what arrives to the agent."""

    def __init__(self, node: ConfiguredNode, agent: AgentCycle, task: CheckedTask) -> None:
        self._config, self._logger, self._agent, self._task = node.config, node.get_logger(), agent, task
        robot = node.config.robot
        self._joint_input = JointInput(robot.state_topic, robot.joints)
        self._description = description_input(robot, self._logger.warning)
        self._bridge = CvBridge()
        self._unusable_images = self._unusable_state = ""
        # As many as an observation holds: with Seq-SAC some arrive while this process learns.
        frames = QoSProfile(depth=node.config.agent.frame_stack, reliability=ReliabilityPolicy.BEST_EFFORT)
        if task.uses_camera:
            node.create_subscription(Image, node.config.image_topic, self._on_image, frames)
        if task.has_state:
            node.create_subscription(TaskStateMessage, topics.TASK_STATE, self._on_task_state, qos.SENSOR)
        node.create_subscription(JointStateMessage, robot.state_topic, self._on_joint_state, qos.SENSOR)
        node.create_subscription(GuardState, topics.GUARD_STATE, self._on_guard_state, qos.LATCHED)
        node.create_subscription(String, topics.ROBOT_DESCRIPTION, self._on_robot_description, qos.DESCRIPTION)
        node.create_subscription(Target, topics.TARGET, self._on_target, qos.LATCHED)

    @property
    def problem(self) -> str:
        """Reason why arriving messages cannot be used; empty where they can."""
        joints = self._joint_input.problem and f"joint states that can be used: {self._joint_input.problem}"
        return self._unusable_images or self._unusable_state or joints

    @property
    def description_digest(self) -> str:
        """Digest of the robot_description in use; empty before there is one."""
        return self._description.digest

    def _on_image(self, message: Image) -> None:
        received = time.monotonic()
        try:
            image = self._bridge.imgmsg_to_cv2(message, "rgb8")
        except CvBridgeError as error:
            self._refuse_images(f"of encoding {message.encoding} cannot be read: {error}")
            return
        expected = (self._config.camera.height, self._config.camera.width, 3)
        if image.shape != expected:
            size, wanted = (f"{shape[1]}x{shape[0]}" for shape in (image.shape, expected))
            self._refuse_images(f"are {size}, expected {wanted}; set image_width and image_height to the camera's")
            return
        self._unusable_images = ""
        self._agent.add_frame(Frame(image, nanoseconds(message.header.stamp), received))

    def _refuse_images(self, reason: str) -> None:
        self._unusable_images = f"images that can be used: those on {self._config.image_topic} {reason}"
        self._logger.error(f"waiting for {self._unusable_images}", throttle_duration_sec=5.0)

    def _on_joint_state(self, message: JointStateMessage) -> None:
        stamp = nanoseconds(message.header.stamp)
        joints = self._joint_input.read(time.monotonic(), stamp, message.name, message.position, message.velocity)
        self._agent.joints = joints or self._agent.joints
        if self._joint_input.problem:
            self._logger.error(f"cannot use joint states: {self._joint_input.problem}", throttle_duration_sec=5.0)

    def _on_task_state(self, message: TaskStateMessage) -> None:
        try:
            values = self._task.state(task_values(message))
        except TaskError as error:
            self._unusable_state = f"a state of the task that can be used: {error}"
            self._logger.error(f"waiting for {self._unusable_state}", throttle_duration_sec=5.0)
            return
        self._unusable_state = ""
        self._agent.loop.add_task_state(TaskState(values, message.episode, time.monotonic()))

    def _on_guard_state(self, message: GuardState) -> None:
        guard, loop = self._agent.liveness.guard, self._agent.loop
        if guard.hear(guard_report(message)):
            loop.interrupt("the guard, which had a fault")
        elif guard.armed:
            loop.gate.confirm(GUARD)

    def _on_target(self, message: Target) -> None:
        self._agent.liveness.target.hear(message.episode)
        if message.episode == self._agent.loop.episodes.episode:
            self._agent.loop.gate.confirm(TARGET)

    def _on_robot_description(self, message: String) -> None:
        kinematics = take_description(self._description, message.data, self._logger.error)
        if kinematics is None:  # the guard takes the first too; building a model takes longer than a cycle
            return
        robot = self._config.robot
        limits = SoftLimits(robot, kinematics, self._config.agent.action_cycle_time)
        limits.shape(np.array(robot.start), np.ones(len(robot.joints)))  # the first call is slow
        self._agent.loop.limits = limits
