"""What stands in for the agent where a promise is about its messages: well-formed ones, and others."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType, TracebackType

from builtin_interfaces.msg import Time

from async_rl_core.config.schema import Config
from async_rl_interfaces.msg import GuardState, VelocityCommand
from async_rl_ros import scheduling
from async_rl_ros.qos import COMMAND
from faults.arm_listener import ArmListener
from faults.campaign import Campaign, run_config
from faults.node_rig import NodeRig

SWING = 0.15
"""rad/s of the motion commanded, of the first joint, to and fro."""
HALF_PERIOD = 25
"""Commands in one direction."""

PRIORITY = 20
"""The agent's."""

Stamp = Callable[[], Time]

ALONE = ("rl_agent_node", "learner_node", "replay_node", "monitor_node", "visual_target_node")
"""Nodes without which a robot and its guard can be judged."""


class FakeAgent:
    """Commands a swing of the first joint every action cycle, from a thread of its own, until told to be silent."""

    def __init__(self, config: Config, listener: ArmListener) -> None:
        self._wire = listener
        self._joints = config.robot.joints
        self._cycle = config.agent.action_cycle_time
        self._clock = listener.node.get_clock()
        self._publisher = listener.node.create_publisher(VelocityCommand, "rl_agent_node/command", COMMAND)
        self._speaking = threading.Event()
        self._closing = False
        self._lock = threading.Lock()
        self.sequence = 0
        self.stamp: Stamp = self.now
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "FakeAgent":
        self._thread.start()
        self.speak()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._closing = True
        self._speaking.set()
        self._thread.join()

    def now(self) -> Time:
        """The stamp that an honest agent gives."""
        stamp: Time = self._clock.now().to_msg()
        return stamp

    def speak(self) -> None:
        """Command from now on."""
        self._speaking.set()

    def set_in_motion(self) -> None:
        """Command, and wait until the arm is armed and follows."""
        self.speak()
        self._wire.await_state(GuardState.ARMED)
        self._wire.await_motion()

    def be_silent(self) -> float:
        """Command no more; the steady time after which none was sent."""
        with self._lock:
            self._speaking.clear()
            return time.monotonic()

    def send(self, velocity: Sequence[float], names: Sequence[str] | None = None, sequence: int | None = None) -> None:
        """Send one message as it is given."""
        message = VelocityCommand(name=list(self._joints if names is None else names), velocity=list(velocity))
        message.header.stamp = self.stamp()
        self.sequence += 1
        message.sequence = self.sequence if sequence is None else sequence
        self._publisher.publish(message)

    def _run(self) -> None:
        scheduling.realtime(PRIORITY)
        count = 0
        while not self._closing:
            self._speaking.wait()
            with self._lock:
                if self._speaking.is_set() and not self._closing:
                    count += 1
                    sign = 1.0 if count // HALF_PERIOD % 2 else -1.0
                    self.send([sign * SWING, *[0.0] * (len(self._joints) - 1)])
            time.sleep(self._cycle)


@contextmanager
def guard_with_fake_agent(
    campaign: Campaign, name: str, changes: Mapping[str, object] = MappingProxyType({}), **mutants: str | None
) -> Iterator[tuple[NodeRig, ArmListener, FakeAgent]]:
    """A simulated robot and a guard, with us as the agent; by node, the mutant that it is, if any."""
    config = run_config(campaign, name, **changes)
    with (
        NodeRig(config, campaign.domain, ALONE, {node: mutant for node, mutant in mutants.items() if mutant}) as rig,
        ArmListener(config, campaign.domain) as listener,
        FakeAgent(config, listener) as agent,
    ):
        yield rig, listener, agent
