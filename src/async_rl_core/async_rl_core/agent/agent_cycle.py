"""One action cycle after the other: wait for the deadline, act, settle."""

from collections.abc import Callable

from async_rl_core.agent.acting_policy import Vector
from async_rl_core.agent.command_gaps import GapMeter
from async_rl_core.agent.episode_state_machine import Phase
from async_rl_core.agent.liveness import Liveness
from async_rl_core.agent.loop import AgentLoop
from async_rl_core.agent.observation import Frame, JointState
from async_rl_core.agent.step_recorder import EpisodeResult
from async_rl_core.agent.timing import TimedPolicy, Timing
from async_rl_core.realtime.clock import Clock
from async_rl_core.realtime.pacer import Pacer

Send = Callable[[Vector, Frame | None], object]
"""Sends a joint velocity (n,) in rad/s, and the new frame that it answers, if there is one."""


class AgentCycle:
    """Paces an `AgentLoop` and measures it; the same in real and in simulated time.

    In each cycle, call `wait`, `act`, `settle`, then `resume`. Between them the caller may report.

    Args:
        loop: observes and acts.
        pacer: waits for the deadlines.
        liveness: of guard and target.
        policy: the loop's policy, with the time of its last action.
        timing, gaps: take the measurements.
        clock: the clock of all of them.
        system_time: nanoseconds of the clock that stamps the images.

    Attributes:
        joints: newest state of the arm; set by the caller.
    """

    def __init__(
        self,
        loop: AgentLoop,
        pacer: Pacer,
        liveness: Liveness,
        policy: TimedPolicy,
        timing: Timing,
        gaps: GapMeter,
        clock: Clock,
        system_time: Callable[[], int],
    ) -> None:
        self.joints: JointState | None = None
        self.loop, self.liveness, self.timing, self.gaps = loop, liveness, timing, gaps
        self._pacer, self._policy = pacer, policy
        self._clock, self._system_time = clock, system_time
        self._acted_on: Frame | None = None
        self._start = self._receiving = 0.0

    def add_frame(self, frame: Frame) -> None:
        """Takes an image of the camera, which arrived at `frame.received`."""
        self.loop.add_frame(frame)
        self._pacer.note_arrival(frame.received)
        self._receiving += self._clock.now() - frame.received

    def skip_missed(self) -> None:
        """Moves to the first deadline that is still ahead, without counting the others as missed."""
        self._pacer.advance(self._clock.now())

    def wait(self, receive: Callable[[float], object]) -> None:
        """Waits for the next deadline; see `Pacer.wait`."""
        overslept = self._pacer.wait(receive)
        self.gaps.mark("waiting", self._clock.now())
        self.gaps.overslept(overslept)

    def act(self, send: Send) -> None:
        """Sends the command of this cycle."""
        self._start = start = self._clock.now()
        loop = self.loop
        newest = loop.observations.newest
        fresh = newest if newest is not self._acted_on else None
        self._acted_on = newest
        running = loop.episodes.episode if loop.phase is Phase.RUNNING else None
        send(loop.act(start, self.joints, self.liveness.blocked_by(running)), fresh)
        sent = self._clock.now()
        self.gaps.mark("acting", sent)
        self.gaps.sent(sent, self.liveness.guard.armed)
        self._measure(start, sent, fresh)

    def settle(self) -> EpisodeResult | None:
        """Does the work that can wait until the command is sent; returns the result of an episode that ended."""
        result = self.loop.settle(self._start)
        self.gaps.mark("settling", self._clock.now())
        if self.loop.actions.policy_acted:
            work = self._clock.now() - self._start + self._receiving
            self.timing.components(self._policy.seconds, work - self._policy.seconds)
        self._receiving = 0.0
        return result

    def resume(self) -> None:
        """Ends the cycle: from now on, input is seen as it arrives."""
        self._pacer.resume()
        self.gaps.mark("reporting", self._clock.now())

    def _measure(self, start: float, sent: float, fresh: Frame | None) -> None:
        lateness, missed = self._pacer.advance(sent)
        self.timing.cycle(lateness, missed, sent - start)
        if fresh is None:
            self.timing.stale_images += self.loop.uses_camera
        elif fresh.stamp > 0:  # else its age is unknown
            latency = 1e-9 * (self._system_time() - fresh.stamp)
            self.timing.image(latency - (sent - start), latency)
