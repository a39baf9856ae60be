"""Publishes where the target of the task is; shows it as a disc on a real screen on request."""

import time

import async_rl_ros.node
from async_rl_core import topics
from async_rl_core.realtime.fixed_rate_clock import FixedRateClock
from async_rl_core.tasks.registry import make_target, make_task
from async_rl_core.topics import private
from async_rl_interfaces.msg import Target
from async_rl_interfaces.srv import ResetTarget
from async_rl_ros.diagnostics import Diagnostics, Health, Level
from async_rl_ros.node import ConfiguredNode, StopSignal
from async_rl_ros.qos import LATCHED
from visual_target_node.display import Display

REPEAT_PERIOD = 1.0
"""Seconds between publications of a target that stands still."""
STOP_POLL = 0.1
"""Seconds, at most, until a requested stop is seen."""


class VisualTargetNode(ConfiguredNode):
    """Publishes `target`: a moving one on every tick, a still one on change and once a second. Reset by service."""

    def __init__(self) -> None:
        super().__init__("visual_target_node")
        self._display: Display | None = None
        self._picture = make_task(self.config).picture
        self._target = make_target(self.config)
        self._episode = 0
        is_moving = self._target is not None and self._target.moving
        period = self.config.target.tick if is_moving else REPEAT_PERIOD
        self._ticks = FixedRateClock(period, time.monotonic())
        self._publisher = self.create_publisher(Target, topics.TARGET, LATCHED)
        self.create_service(ResetTarget, private(topics.RESET_TARGET), self._reset)
        self._diagnostics = Diagnostics(self, self._health)
        if self.config.display:
            self._display = Display()

    def run(self, stop: StopSignal) -> None:
        """Publishes each tick as it comes due and serves resets in between."""
        self._publish()
        while not stop.requested:
            self.executor_.spin_once(timeout_sec=min(self._ticks.wait(time.monotonic()), STOP_POLL))
            if self._ticks.advance(time.monotonic()):
                self._publish()

    def close(self) -> None:
        """Closes the window."""
        if self._display is not None:
            self._display.close()

    def _health(self) -> Health:
        return Health(
            Level.OK, f"showing {self.config.task}", {"episode": self._episode, "display": self.config.display}
        )

    def _reset(self, request: ResetTarget.Request, response: ResetTarget.Response) -> ResetTarget.Response:
        self._episode = request.episode
        if self._target is not None:
            self._target.reset(request.episode)
        self._ticks.restart(time.monotonic())
        response.x, response.y = self._publish()
        response.success = True
        return response

    def _publish(self) -> tuple[float, float]:
        if self._target is None:  # the message tells the episode alone
            message = Target(episode=self._episode)
            message.header.stamp = self.get_clock().now().to_msg()
            self._publisher.publish(message)
            return 0.0, 0.0
        picture = self._picture
        x, y = self._target.position(self._ticks.elapsed)
        message = Target(
            episode=self._episode, x=x, y=y, radius=picture.radius, width=picture.width, height=picture.height
        )
        message.header.stamp = self.get_clock().now().to_msg()
        self._publisher.publish(message)
        if self._display is not None:
            self._display.show(x, y, picture.radius, picture.width, picture.height)
        return x, y


def main() -> None:
    """Runs the node as a process."""
    async_rl_ros.node.main(VisualTargetNode)
