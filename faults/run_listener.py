"""States and diagnostics of the nodes of a run, in addition to `ArmListener`."""

import time

from diagnostic_msgs.msg import DiagnosticArray

from async_rl_core.config.schema import Config
from async_rl_interfaces.msg import LearnerState, Timing
from async_rl_ros.qos import LATCHED
from faults.arm_listener import ArmListener

TIMING_TIMEOUT = 10.0


class RunListener(ArmListener):
    """Subscribes also to the learner's state, the agent's timing and all diagnostics.

    Attributes:
        learner: steady time and updates of each state; emptied by `clear`.
        timing: the agent's newest counts and latencies.
        health: newest message and values of each node; emptied by `clear`.
    """

    realtime = False  # it only receives measurements; real-time priority would delay the measured processes

    def __init__(self, config: Config, domain: int) -> None:
        super().__init__(config, domain)
        self.learner: list[tuple[float, int]] = []
        self.timing: Timing | None = None
        self.health: dict[str, tuple[str, dict[str, str]]] = {}

    def __enter__(self) -> "RunListener":
        super().__enter__()
        self.node.create_subscription(LearnerState, "learner_node/state", self._on_learner, LATCHED)
        self.node.create_subscription(Timing, "rl_agent_node/timing", self._on_timing, LATCHED)
        self.node.create_subscription(DiagnosticArray, "/diagnostics", self._on_health, 50)
        return self

    def clear(self) -> None:
        """Discards everything received so far."""
        with self._changed:
            self.learner.clear()
            self.health.clear()
            self.timing = None

    def next_timing(self) -> Timing:
        """Returns the agent's next timing message."""
        with self._changed:
            self.timing = None
        self.wait(lambda: self.timing is not None, TIMING_TIMEOUT, "the agent's timing")
        assert self.timing is not None
        return self.timing

    def diagnostic_value(self, node: str, key: str) -> str:
        """Returns a value of a node's newest diagnostics; empty if there is none."""
        return self.health.get(node, ("", {}))[1].get(key, "")

    def _on_learner(self, message: LearnerState) -> None:
        with self._changed:
            self.learner.append((time.monotonic(), message.updates))
            self._changed.notify_all()

    def _on_timing(self, message: Timing) -> None:
        with self._changed:
            self.timing = message
            self._changed.notify_all()

    def _on_health(self, message: DiagnosticArray) -> None:
        with self._changed:
            for status in message.status:
                self.health[status.name] = status.message, {value.key: value.value for value in status.values}
            self._changed.notify_all()
