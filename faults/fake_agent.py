"""A program that commands the guard in place of the agent, with valid and invalid messages."""

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
"""Commanded speed of the first joint, in rad/s, in alternating directions."""
HALF_PERIOD = 25
"""Commands in one direction."""

PRIORITY = 20
"""Priority of the agent."""

Stamp = Callable[[], Time]

ALONE = ("rl_agent_node", "learner_node", "replay_node", "monitor_node", "visual_target_node")
"""Nodes that a test of robot and guard does not need."""


class FakeAgent:
    """Commands a swing of the first joint every action cycle from its own thread, until `stop_commands`."""

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
        self.start_commands()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._closing = True
        self._speaking.set()
        self._thread.join()

    def now(self) -> Time:
        """Returns the stamp of the present time, as the agent uses it."""
        stamp: Time = self._clock.now().to_msg()
        return stamp

    def start_commands(self) -> None:
        """Starts to send commands."""
        self._speaking.set()

    def set_in_motion(self) -> None:
        """Sends commands, and waits until the guard is armed and the arm moves."""
        self.start_commands()
        self._wire.await_state(GuardState.ARMED)
        self._wire.await_motion()

    def stop_commands(self) -> float:
        """Stops sending commands; returns the steady time after which none was sent."""
        with self._lock:
            self._speaking.clear()
            return time.monotonic()

    def send(self, velocity: Sequence[float], names: Sequence[str] | None = None, sequence: int | None = None) -> None:
        """Sends one message without checks."""
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
    """Runs a simulated robot, a guard and a fake agent; `mutants` names the mutant of a node."""
    config = run_config(campaign, name, **changes)
    with (
        NodeRig(config, campaign.domain, ALONE, {node: mutant for node, mutant in mutants.items() if mutant}) as rig,
        ArmListener(config, campaign.domain) as listener,
        FakeAgent(config, listener) as agent,
    ):
        yield rig, listener, agent
