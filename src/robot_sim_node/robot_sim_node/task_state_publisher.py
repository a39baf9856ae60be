"""The state of the task in the simulated scene."""

import numpy as np
from builtin_interfaces.msg import Time
from rclpy.node import Node

from async_rl_core import topics
from async_rl_core.sim.arm import SimulatedArm
from async_rl_core.tasks.checks import CheckedTask
from async_rl_interfaces.msg import Target, TaskState
from async_rl_ros import qos


class TaskStatePublisher:
    """Publishes the values of the task's observation parts on `task_state`, and resets its objects for each episode.

    `publish` raises `TaskError` where the task breaks its contract.
    """

    def __init__(self, node: Node, arm: SimulatedArm, task: CheckedTask) -> None:
        self._arm, self._task = arm, task
        self._episode = 0
        self._publisher = node.create_publisher(TaskState, topics.TASK_STATE, qos.DRIVER) if task.has_state else None
        node.create_subscription(Target, topics.TARGET, self._on_target, qos.LATCHED)

    def publish(self, stamp: Time) -> None:
        """Publishes the values at this moment, if the task has any."""
        if self._publisher is None:
            return
        values = self._task.simulated_state(self._arm.view(self._episode))
        message = TaskState(episode=self._episode, part=list(values), size=[len(value) for value in values.values()])
        message.value = np.concatenate(list(values.values())).tolist()
        message.header.stamp = stamp
        self._publisher.publish(message)

    def _on_target(self, message: Target) -> None:
        if message.episode != self._episode:
            self._episode = message.episode
            self._task.reset_scene(self._arm.view(self._episode))
