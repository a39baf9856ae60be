"""The guard: what it takes from the agent, when it arms, when it stops, and what it sends to the arm."""

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from async_rl_core.config.schema import GuardConfig, RobotConfig
from async_rl_core.safety.description_input import DescriptionInput
from async_rl_core.safety.fault_log import FaultLog
from async_rl_core.safety.halts import Halts
from async_rl_core.safety.inputs import CommandInput, StateInput, StatusInput, patience
from async_rl_core.safety.limits.areas import areas_of
from async_rl_core.safety.limits.limit_filter import LimitFilter, require_short_stop
from async_rl_core.safety.motion import MotionWatch
from async_rl_core.safety.publishers import PublisherInput
from async_rl_core.safety.resumption import Resumption
from async_rl_core.safety.states import TRANSITIONS, Fault, FaultKind, GuardEvent, GuardMode

Vector = NDArray[np.float64]

CLEARING = 2.0
"""Seconds in which a fault that the guard clears itself is cleared, if the arm can be seen to be at rest."""


class Guard:
    """The only voice the arm hears. Every `now` is in seconds of one steady clock and never decreases.

    Feed it with `on_command`, `on_joint_state`, `on_status`, `on_publishers` and `on_description`; send what `tick`
    returns at the robot's state rate, always. A fault latches until `reset_fault`, which is for a person to call;
    with a simulated arm, a fault of timing is cleared once the arm is at rest (`guard.clear_timing_faults`).
    `limited` counts the cycles in which a limit bent the command, by limit; `collisions_unjudged` says why collisions
    are not judged, where they cannot be.

    `action_cycle_time` is that of the agent's commands, in seconds; `driven`: the robot has a driver, whose `on_status`
    is then a condition for arming. `simulated`: the arm is, so that faults of timing may be cleared. `holds`: where
    commands cease, the robot's side goes on with the last velocity. `reference`: the URDF that the robot's file names,
    which `robot_description` must agree with; None: not installed.
    Raises `SafetyError` for a configuration that it cannot guard by.
    """

    def __init__(
        self,
        robot: RobotConfig,
        config: GuardConfig,
        action_cycle_time: float,
        driven: bool = False,
        simulated: bool = False,
        holds: bool = False,
        reference: str | None = None,
    ) -> None:
        self._patience = patience(config, action_cycle_time)
        require_short_stop(robot)
        self.state = GuardMode.DISARMED
        self.suspended = False
        """Whether a person has suspended the run: the guard does not arm meanwhile."""
        self.fault: Fault | None = None
        self.faults = FaultLog()
        self.halts = Halts()
        """Of the loop that feeds this guard, which notes them here."""
        self.clears_timing_faults = simulated and config.clear_timing_faults is not False
        self.limited: Counter[str] = Counter()
        self.collisions_unjudged = ""
        self._robot = robot
        self._config = config
        self._commands = CommandInput(robot, config)
        self._joints = StateInput(robot, config)
        self._status = StatusInput(driven)
        self._resumption = Resumption(robot, holds)
        self._cycle = 1.0 / robot.state_rate
        self._description = DescriptionInput(robot, reference)
        self._filter: LimitFilter | None = None
        self._zero: Vector = np.zeros(len(robot.joints))
        self._motion = MotionWatch(robot, config, holds)
        self._publishers = PublisherInput(robot.command_topic)
        self._held = False

    @property
    def accepted(self) -> int:
        """Commands that passed every check."""
        return self._commands.accepted

    @property
    def refused(self) -> int:
        """Commands that did not."""
        return self._commands.refused

    @property
    def at_rest(self) -> bool:
        """Whether the last velocity sent was zero."""
        return self._filter is None or self._filter.at_rest

    def on_description(self, urdf: str) -> bool:
        """Take the robot's URDF and read its meshes; the first that fits counts. Returns whether this was it.

        One that is refused changes nothing; `description_problem` says why. One that differs from the first keeps the
        guard from arming, and is a fault where it is armed.
        """
        if not self._description.take(urdf):
            return False
        assert self._description.kinematics is not None
        areas, self.collisions_unjudged = areas_of(urdf, self._robot, self._config, self._description.kinematics)
        self._filter = LimitFilter(self._robot, self._config, areas)
        return True

    def on_description_publishers(self, count: int) -> None:
        """Take the number of publishers on robot_description."""
        self._description.on_publishers(count)

    @property
    def description(self) -> str:
        """Digest of the robot_description that counts; empty before there is one."""
        return self._description.digest

    @property
    def description_problem(self) -> str:
        """Why the newest robot_description was not taken; empty where it was, or was the same again."""
        return self._description.problem

    def on_command(
        self, now: float, sequence: int, names: Sequence[str], velocity: Sequence[float], description: str = ""
    ) -> bool:
        """Judge a command of the agent: velocities in rad/s by joint name. Returns whether it was accepted.

        `description`: digest of the robot_description that the agent uses; empty where it does not say.

        A malformed command is a fault in any state. A sequence number that does not rise is one too, except where the
        guard is not following and the agent was silent before: that is a new agent, which needs a new arming.
        """
        following, silence = self.state is GuardMode.ARMED, self._commands.silence(now)
        restarted = not following and silence > self._config.watchdog
        cause = self._commands.take(now, sequence, names, velocity, restarted)
        if cause is None:
            self.faults.end_of_silence(FaultKind.AGENT_SILENT, now, silence)
            self._description.agent = description
            return True
        if following or cause.malformed:
            self._fail(FaultKind.COMMAND, cause.text, now)
        return False

    def on_joint_state(
        self, now: float, stamp: int, names: Sequence[str], position: Sequence[float], velocity: Sequence[float] = ()
    ) -> bool:
        """Take the joints' angles in rad, by name in any order, stamped in ns. Returns whether they can be trusted.

        `velocity`: in rad/s in the same order, where the robot says it. Incomplete ones, such as are not finite, and
        jumps are faults; what is no news ages until it is one.
        """
        moving = self._filter is not None and self._filter.moving
        silence = self._joints.silence(now)
        cause = self._joints.take(now, stamp, names, position, moving)
        if self._joints.taken or self._joints.stands:  # one that stands still is no gap, but a fault before long
            self._resumption.on_joint_state(now, stamp, self._joints.position, self._joints.in_order(velocity))
        if self._joints.taken:
            self._motion.on_state(now, self._joints.position)
            self.faults.end_of_silence(FaultKind.ROBOT_SILENT, now, silence)
        if cause is not None:
            self._motion.begin_again()  # of two faults by one joint state, this says what was wrong
            if self.state is not GuardMode.DISARMED:
                self._fail(FaultKind.ROBOT, cause, now)
        return cause is None

    def on_status(self, now: float, ready: bool, cause: str) -> None:
        """Take what the robot's driver says of it: whether it follows commands, and why not."""
        self._status.take(now, ready, cause)

    @property
    def state_problem(self) -> str:
        """Why the newest joint state was refused, or is no news; empty where it was taken."""
        return self._joints.problem

    def on_publishers(self, now: float, count: int) -> None:
        """Take the number of publishers on the robot's command topic, this guard's own included."""
        if cause := self._publishers.take(count, self.state is GuardMode.ARMED):
            self._fail(FaultKind.PUBLISHERS, cause, now)

    def on_foreign_command(self, now: float, values: Sequence[float]) -> None:
        """Take it that the robot's command topic carried a message that this guard did not send."""
        self._fail(FaultKind.PUBLISHERS, self._publishers.command(values), now)

    def on_input_publishers(self, now: float, topic: str, count: int) -> None:
        """Take the number of publishers on a topic that the guard judges by."""
        if cause := self._publishers.take_input(topic, count, self.state is GuardMode.ARMED):
            self._fail(FaultKind.PUBLISHERS, cause, now)

    def missing(self, now: float) -> list[str]:
        """What keeps the guard from arming, in words; empty where nothing does."""
        found = [self._commands.missing(now), self._joints.missing(now), self._status.missing(now)]
        if self._joints.moves(now):
            found.append("the arm is not at rest")
        if self._filter is None:
            found.append(self.description_problem or "no robot_description yet")
        if self.suspended:
            found.append("the run is suspended; continue it with fg")
        found += [self._description.conflict(), self._publishers.missing()]
        return [text for text in found if text is not None]

    def arm(self, now: float) -> tuple[bool, str]:
        """Follow commands from now on, if all is well. Returns whether it armed, and what is missing if not."""
        if (self.state, GuardEvent.ARM) not in TRANSITIONS:
            return False, self._refusal("arm")
        if missing := self.missing(now):
            return False, "not armed: " + "; ".join(missing)
        self._held = False
        self._happen(GuardEvent.ARM)
        return True, "armed"

    def disarm(self, now: float) -> tuple[bool, str]:
        """Bring the arm to rest and stay there until `arm` is called; holds against automatic arming too."""
        self._held = True
        self._happen(GuardEvent.DISARM)
        return True, f"disarming; the guard is in {self.state.name}"

    def suspend(self, now: float) -> None:
        """Bring the arm to rest and refuse to arm until `resume`; a person's `disarm` holds beyond that."""
        self.suspended = True
        self._happen(GuardEvent.DISARM)

    def resume(self) -> None:
        """Allow arming again; automatic arming where it is configured, else a person's."""
        self.suspended = False

    def reset_fault(self, now: float) -> tuple[bool, str]:
        """Clear a fault, on a person's word only, once the arm is at rest. Returns whether it did, and why not."""
        if (self.state, GuardEvent.RESET) not in TRANSITIONS:
            return False, f"no fault to clear: {self.state.name}"
        if not self.at_rest or self._joints.moves(now):
            return False, "the arm is not at rest yet"
        if self._publishers.foreign and (cause := self._publishers.missing()):
            return False, cause
        self.fault = None
        self._happen(GuardEvent.RESET)
        return True, "fault cleared"

    def fault_stands(self, now: float) -> bool:
        """Whether there is a fault that waits for a person, or that this guard has not been able to clear."""
        fault = self.fault
        if fault is None:
            return False
        return not (self.clears_timing_faults and fault.of_timing) or now - fault.time > CLEARING

    def on_halt(self, now: float, duration: float) -> None:
        """Take it that this guard itself was halted for `duration` seconds: it is held to the agent's patience."""
        if self.state is not GuardMode.DISARMED and duration > self._config.watchdog:
            self._fail(FaultKind.HALTED, f"the guard was halted for {1000 * duration:.0f} ms", now, duration)

    def fail(self, now: float, cause: str) -> None:
        """Latch a fault of the guard's own process, such as an error in it."""
        self._fail(FaultKind.GUARD, cause, now)

    def tick(self, now: float) -> Vector:
        """The velocity (n,) in rad/s to send now, in command order: always finite, the same array every time."""
        self._watch_motion(now)
        if self._filter is None:
            return self._zero
        self._resume(now, self._filter)
        if self.state is GuardMode.ARMED:
            self._watch(now)
        if self.state is GuardMode.ARMED:
            self._follow(now, self._filter)
        else:
            self._filter.brake()
        if self.state is GuardMode.STOPPING and self._filter.at_rest:
            self._happen(GuardEvent.REST)
        if self.state is GuardMode.FAULT:
            self._clear_timing_fault(now)
        if self.state is GuardMode.DISARMED and self._config.auto_arm and not self._held and not self.missing(now):
            self._happen(GuardEvent.ARM)
        return self._checked(now, self._filter.velocity)

    def _clear_timing_fault(self, now: float) -> None:
        """With a simulated arm, go on after a fault of timing, once the arm is at rest by fresh joint states too."""
        fault = self.fault
        if not self.clears_timing_faults or fault is None or not fault.of_timing or not self.at_rest:
            return
        if self._joints.stale(now) or self._joints.moves(now):
            return
        self.fault = None
        self.faults.cleared += 1
        self._commands.begin_again()  # the agent has seen this fault before it commands the arm again
        self._happen(GuardEvent.RESET)

    def _resume(self, now: float, limits: LimitFilter) -> None:
        """After a gap, let the ramp begin at the velocity that the arm has."""
        sent = limits.velocity.tolist()
        gap = self._resumption.watch(now, sent)
        if self._resumption.open:
            limits.resume(self._resumption.velocities(now, sent), max(round(gap / self._cycle) - 1, 0))

    def _watch_motion(self, now: float) -> None:
        """Latch a fault where the arm moves as nobody sent it; one that is not ready may be guided by hand."""
        trusted = not (self._status.missing(now) or self._joints.stale(now))
        led = self.state in (GuardMode.ARMED, GuardMode.STOPPING)
        if cause := self._motion.judge(now, led, self.at_rest and trusted):
            self._fail(FaultKind.MOTION, cause, now)

    def _watch(self, now: float) -> None:
        silence = self._commands.silence(now)
        if silence > self._config.watchdog:
            self._fail(FaultKind.AGENT_SILENT, f"agent silent for {1000 * silence:.0f} ms", now, silence)
        if (cause := self._joints.stale(now)) is not None:
            self._fail(
                FaultKind.ROBOT_SILENT, cause, now, 0.0 if self._joints.frozen(now) else self._joints.silence(now)
            )
        if (cause := self._status.missing(now)) is not None:
            self._fail(FaultKind.NOT_READY, cause, now)
        if (cause := self._description.conflict()) is not None:
            self._fail(FaultKind.DESCRIPTION, cause, now)

    def _follow(self, now: float, limits: LimitFilter) -> None:
        wanted, position = self._commands.velocity, self._joints.position
        if self.is_late(now) or self._resumption.open:
            limits.brake()  # slow already, so that the arm is at rest soon after the watchdog
        elif not math.isfinite(sum(wanted) + sum(position)):  # no stop could be planned with these
            self._fail(FaultKind.GUARD, f"took in what is not finite: {wanted} rad/s at {position} rad", now)
            limits.brake()
        elif cause := limits.follow(wanted, position, self._joints.silence(now)):
            self.limited[cause] += 1

    def is_late(self, now: float) -> bool:
        """Whether the agent's next command is overdue, so that the arm slows down."""
        return self._commands.silence(now) > self._patience

    def _checked(self, now: float, velocity: Vector) -> Vector:
        """The last gate before the wire: nothing but finite numbers, whatever went wrong before it."""
        values = velocity.tolist()
        if math.isfinite(sum(values)):
            self._motion.on_sent(now, values)
            return velocity
        self._fail(FaultKind.GUARD, f"limits gave a velocity that is not finite: {values}", now)
        if self._filter is not None:
            self._filter.halt()
        return velocity

    def _fail(self, kind: FaultKind, cause: str, now: float, silence: float = 0.0) -> None:
        """Latch a fault; `silence`: seconds for which nothing arrived, where that is all that is wrong."""
        made_of = self.halts.explain(now - silence, now) if silence else ""
        fault = Fault(kind, f"{cause}, of which {made_of}" if made_of else cause, now, silence, made_of)
        if self.fault is None or fault.rank > self.fault.rank:
            self.fault = fault
            self.faults.add(fault)
        self._happen(GuardEvent.FAIL)

    def _happen(self, event: GuardEvent) -> None:
        self.state = TRANSITIONS[self.state, event]

    def _refusal(self, what: str) -> str:
        return f"cannot {what}: {self.state.name}" + (f" ({self.fault.cause})" if self.fault else "")
