"""The agent as a process: camera and joints in, a joint velocity command out, in every action cycle."""

import gc
import time
from dataclasses import replace
from functools import partial

import numpy as np
from std_srvs.srv import Trigger

from async_rl_core import topics
from async_rl_core.agent.agent_cycle import AgentCycle
from async_rl_core.agent.command_gaps import GapMeter
from async_rl_core.agent.episode_state_machine import Phase
from async_rl_core.agent.liveness import Liveness
from async_rl_core.agent.loop import AgentLoop
from async_rl_core.agent.outbox import Outbox
from async_rl_core.agent.reset import SHORTEST
from async_rl_core.agent.run_progress import BEGINNING, RunProgress
from async_rl_core.agent.step_recorder import EpisodeResult
from async_rl_core.agent.timing import TimedPolicy, Timing
from async_rl_core.agent.warm_up import warm_up
from async_rl_core.bringup.exit_policy import FAULTED
from async_rl_core.learning import backend as learning
from async_rl_core.realtime.clock import SteadyClock
from async_rl_core.realtime.pacer import Pacer
from async_rl_core.realtime.schedule import Schedule
from async_rl_core.tasks.checks import CheckedTask
from async_rl_core.tasks.registry import make_task
from async_rl_interfaces.srv import ResetTarget
from async_rl_ros import scheduling
from async_rl_ros.diagnostics import Diagnostics, Health
from async_rl_ros.messages import learner_state_message
from async_rl_ros.node import ConfiguredNode, StopSignal
from async_rl_ros.node import main as run_node
from async_rl_ros.processor import ProcessorClock, page_reads_and_evictions
from async_rl_ros.service_caller import ServiceCaller
from async_rl_ros.warning_log import WarningLog
from rl_agent_node import messages
from rl_agent_node.inputs import GUARD, TARGET, AgentInputs
from rl_agent_node.outputs import AgentOutputs

REPORT_PERIOD = 1.0
RETIRE_TIMEOUT = 0.3
RECEIPT_TIMEOUT = 2.0
"""Seconds that the node waits at its end, with the guard disarmed, for subscribers that lack an episode."""
TARGET_ANSWER = 2.0
"""Seconds until a target that does not answer is asked again; a request may be lost while nodes find each other."""
PRIORITY = 20


class RLAgentNode(ConfiguredNode):
    """Connects the core's `AgentCycle` to ROS: messages in, commands and reports out."""

    def __init__(self) -> None:
        super().__init__("rl_agent_node")
        config = self.config
        if config.architecture == "seq" and config.learns:
            # The middleware's threads stay in real time; updates in it would starve everything else.
            self.get_logger().info(f"learns in this process, {scheduling.urgent()}")
        actor = self.get_namespace().strip("/")
        start = RunProgress.read(config.run_dir, actor) if config.run_dir else BEGINNING  # before new steps
        self._learning = learning.connect(config, self.get_logger().warning, actor)
        self._outbox = Outbox(self._learning.send, self._learning.newest_ack, start.sequence, actor)
        task = CheckedTask(config.task, make_task(config))
        warm_up(config, self._learning.policy, task)
        self._steady = SteadyClock()
        policy = TimedPolicy(self._learning.policy, self._steady.now)
        self._loop = AgentLoop(config, policy, task, self._outbox, self._place_target, start, (GUARD, TARGET), SHORTEST)
        self._completed = start.finished
        self._trouble = WarningLog(self)
        self._outputs = AgentOutputs(self, self._learning.learner is not None)
        self._started = self._next_report = self._steady.now()
        self._agent = self._make_agent(policy, task, start)
        self._inputs = AgentInputs(self, self._agent, task)
        self._reset_target = ServiceCaller(self.create_client(ResetTarget, topics.RESET_TARGET), TARGET_ANSWER)
        self._disarm = self.create_client(Trigger, topics.DISARM)
        self._diagnostics = Diagnostics(self, self._health)

    def _make_agent(self, policy: TimedPolicy, task: CheckedTask, start: RunProgress) -> AgentCycle:
        agent, frame_period = self.config.agent, 1 / self.config.camera.rate
        schedule = Schedule(agent.action_cycle_time, frame_period, agent.phase_margin, self._started)
        return AgentCycle(
            self._loop,
            Pacer(schedule, self._steady, frame_period if task.uses_camera else None),
            Liveness(self._steady),
            policy,
            Timing(start.cycles, start.missed_cycles, start.stale_images),
            GapMeter(self._started, ProcessorClock().read, page_reads_and_evictions),
            self._steady,
            self._outputs.system_time,
        )

    def _place_target(self, episode: int) -> None:
        self._reset_target.call(ResetTarget.Request(episode=episode), lambda _: self._loop.target.placed(episode))

    def run(self, stop: StopSignal) -> None:
        """Acts at every deadline until the stop, the duration or the last episode; then brings the arm to rest."""
        self.get_logger().info(scheduling.lock_memory())
        scheduling.freeze_garbage()  # what is new is collected between episodes
        self._agent.skip_missed()
        while not stop.requested and not self._is_finished():
            self._agent.wait(self._receive)
            self._cycle()
        self._retire()
        if self._agent.liveness.guard.fault_stands:
            self.exit_code = FAULTED

    def _receive(self, seconds: float) -> None:
        self.executor_.spin_once(timeout_sec=seconds)

    def _is_finished(self) -> bool:
        duration, episodes = self.config.duration, self.config.episodes
        if duration is not None and time.monotonic() - self._started >= duration:
            return True
        return episodes is not None and self._completed >= episodes

    def _cycle(self) -> None:
        """Sends the command first; all other work of the cycle follows."""
        agent, loop, gaps = self._agent, self._loop, self._agent.gaps
        was_waiting, refused = loop.phase is Phase.WAITING, loop.refused
        self._outputs.description = self._inputs.description_digest
        agent.act(self._outputs.command)
        if explanation := agent.liveness.guard.explanation(gaps):
            self.get_logger().warning(explanation)
        if loop.actions.policy_acted and (newest := loop.observations.newest) is not None:
            self._outputs.feature_points(newest, self._learning.policy.feature_points)
        if (result := agent.settle()) is not None:
            self._report_episode(result)
            gaps.mark("reporting an episode, collecting garbage", time.monotonic())
        if loop.refused > refused or (loop.phase is Phase.WAITING and not was_waiting):
            self.get_logger().warning(messages.departure(loop, refused, self._waits_for))
        loop.actions.policy_ready = self._learning.poll() or loop.actions.policy_ready
        now = time.monotonic()
        gaps.mark("taking parameters", now)
        if now >= self._next_report:
            self._next_report = now + REPORT_PERIOD
            self._report()
        agent.resume()

    def _retire(self) -> None:
        """Brings the arm to rest, and lets the guard disarm before this node falls silent."""
        self._outputs.command(np.zeros(len(self.config.robot.joints)))
        self._report()
        if self._agent.liveness.guard.armed and self._disarm.service_is_ready():
            answer = self._disarm.call_async(Trigger.Request())
            end = time.monotonic() + RETIRE_TIMEOUT
            while not answer.done() and time.monotonic() < end:
                self._receive(0.02)
        self._outputs.wait_until_received(RECEIPT_TIMEOUT)

    @property
    def _waits_for(self) -> str:
        return self._inputs.problem or self._loop.blocked_by

    def _report(self) -> None:
        self._trouble.update("records", self._learning.trouble)
        longest, elapsed = self._agent.gaps.longest, time.monotonic() - self._started
        self._outputs.timing(messages.timing_message(self._agent.timing, self._outbox, longest, elapsed))
        if self._learning.learner is not None:
            self._outputs.learner_state(learner_state_message(self._learning.learner))

    def _report_episode(self, result: EpisodeResult) -> None:
        self._completed += 1
        self._outputs.episode(messages.episode_message(result, self._agent.timing, self._learning.updates))
        gc.collect(1)

    def _health(self) -> Health:
        waiting_for = messages.waiting_for(self._loop, self._waits_for)
        trouble = self._learning.trouble or self._loop.refusal
        health = messages.health(waiting_for, trouble, self._agent.timing, self._outbox, self._loop.episodes.aborted)
        longest = str(self._agent.gaps.longest)
        more = {"longest gap between commands": longest, "refused steps": self._loop.refused}
        return replace(health, values={**health.values, **more})

    def close(self) -> None:
        """Releases the shared memory."""
        self._learning.close()


def main() -> None:
    """Runs the node as a process."""
    run_node(RLAgentNode, partial(scheduling.realtime, PRIORITY))
