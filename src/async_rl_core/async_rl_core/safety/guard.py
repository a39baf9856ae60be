"""The safety guard: arming, supervision of its inputs, faults, and the velocity that is sent to the arm."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from async_rl_core.config.schema import GuardConfig, RobotConfig
from async_rl_core.safety.fault_latch import FaultLatch
from async_rl_core.safety.halt_log import HaltLog
from async_rl_core.safety.inputs.command_input import CommandInput, command_timeout
from async_rl_core.safety.inputs.description_input import DescriptionInput
from async_rl_core.safety.inputs.joint_state_input import JointStateInput
from async_rl_core.safety.inputs.publisher_input import PublisherInput
from async_rl_core.safety.inputs.status_input import StatusInput
from async_rl_core.safety.limits.ramp import require_short_stop
from async_rl_core.safety.motion.motion_watch import MotionWatch
from async_rl_core.safety.states import TRANSITIONS, Fault, FaultKind, GuardEvent, GuardMode
from async_rl_core.safety.velocity_output import VelocityOutput

Vector = NDArray[np.float64]


class Guard:
    """Judges the agent's commands and computes the velocity that is sent to the arm.

    Call `tick` at the robot's state rate and send its result, in every state. Pass each message to the method `on_...`
    of its kind when it arrives. Every `now` is in seconds of one steady clock and never decreases.

    A fault latches until a person calls `reset_fault`. With a simulated arm, the guard clears a timing fault itself
    once the arm is at rest (`guard.clear_timing_faults`).

    Args:
        robot: joints, limits and topics.
        config: timeouts and margins.
        action_cycle_time: seconds between the agent's commands.
        driven: the robot has a driver, whose status is a condition for arming.
        simulated: the arm is simulated.
        holds: without commands, the robot's side keeps the last velocity.
        reference: URDF that the robot's file names, to compare `robot_description` with; None where not installed.

    Attributes:
        state: the present state.
        suspended: whether a person suspended the run; the guard does not arm meanwhile.
        faults: the latched fault and the count of all.
        halts: late cycles of the loop that calls `tick`, which records them here.
        commands, joints, description: the judged inputs.
        output: the limits, and the velocity sent.

    Raises `SafetyError` for a configuration that the guard cannot keep.
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
        self._command_timeout = command_timeout(config, action_cycle_time)
        require_short_stop(robot)
        self.state = GuardMode.DISARMED
        self.suspended = False
        self.halts = HaltLog()
        self.faults = FaultLatch(self.halts, simulated and config.clear_timing_faults is not False)
        self._config = config
        self.commands = CommandInput(robot, config)
        self.joints = JointStateInput(robot, config)
        self._status = StatusInput(driven)
        self._publishers = PublisherInput(robot.command_topic)
        self.description = DescriptionInput(robot, reference)
        self.output = VelocityOutput(robot, config, holds)
        self._motion = MotionWatch(robot, config, holds)
        self._disarmed_by_person = False

    @property
    def fault(self) -> Fault | None:
        """The latched fault, or None."""
        return self.faults.current

    @property
    def at_rest(self) -> bool:
        """Whether the last velocity sent was zero."""
        return self.output.at_rest

    def on_description(self, urdf: str) -> bool:
        """Accepts the first URDF that fits the robot, and reads its meshes. Returns whether it was this one.

        A refused description changes nothing; see `description.problem`. One that differs from the accepted one
        prevents arming, and is a fault while armed.
        """
        if not self.description.take(urdf):
            return False
        assert self.description.kinematics is not None
        self.output.describe(urdf, self.description.kinematics)
        return True

    def on_command(
        self, now: float, sequence: int, names: Sequence[str], velocity: Sequence[float], description: str = ""
    ) -> bool:
        """Judges a command: velocities in rad/s by joint name. Returns whether it was accepted.

        `description` is the digest of the agent's robot_description; empty where unknown.

        A malformed command is a fault in every state. So is a sequence number that does not increase, unless the guard
        is not armed and the agent was silent: that is a restarted agent, which needs a new arming.
        """
        armed, silence = self.state is GuardMode.ARMED, self.commands.silence(now)
        restarted = not armed and silence > self._config.watchdog
        refusal = self.commands.take(now, sequence, names, velocity, restarted)
        if refusal is None:
            self.faults.end_of_silence(FaultKind.AGENT_SILENT, now, silence)
            self.description.agent = description
            return True
        if armed or refusal.malformed:
            self._fail(FaultKind.COMMAND, refusal.text, now)
        return False

    def on_joint_state(
        self, now: float, stamp: int, names: Sequence[str], position: Sequence[float], velocity: Sequence[float] = ()
    ) -> bool:
        """Judges a joint state: angles in rad by joint name, in any order, stamped in ns. Returns whether it is valid.

        `velocity` is in rad/s in the same order, or empty. Incomplete states, values that are not finite, and jumps are
        faults. A state that repeats an old one does not refresh it, so it becomes a fault with time.
        """
        silence = self.joints.silence(now)
        error = self.joints.take(now, stamp, names, position, self.output.moving)
        if self.joints.accepted or self.joints.unchanged:  # an unchanged state is no gap, and soon a fault
            self.output.on_joint_state(now, stamp, self.joints.position, self.joints.by_joint(velocity))
        if self.joints.accepted:
            self._motion.on_state(now, self.joints.position)
            self.faults.end_of_silence(FaultKind.ROBOT_SILENT, now, silence)
        if error is not None:
            self._motion.reset()  # so that this state causes one fault, of its own kind
            if self.state is not GuardMode.DISARMED:
                self._fail(FaultKind.ROBOT, error, now)
        return error is None

    def on_status(self, now: float, ready: bool, cause: str) -> None:
        """Takes the driver's report of whether the robot follows commands, and why not."""
        self._status.take(now, ready, cause)

    def on_publishers(self, now: float, count: int) -> None:
        """Takes the number of publishers on the robot's command topic, this guard included."""
        if cause := self._publishers.take(count, self.state is GuardMode.ARMED):
            self._fail(FaultKind.PUBLISHERS, cause, now)

    def on_foreign_command(self, now: float, values: Sequence[float]) -> None:
        """Takes a message on the robot's command topic that this guard did not send."""
        self._fail(FaultKind.PUBLISHERS, self._publishers.foreign_command(values), now)

    def on_input_publishers(self, now: float, topic: str, count: int) -> None:
        """Takes the number of publishers on a topic that the guard judges by."""
        if cause := self._publishers.take_input(topic, count, self.state is GuardMode.ARMED):
            self._fail(FaultKind.PUBLISHERS, cause, now)

    def on_halt(self, now: float, duration: float) -> None:
        """Takes a halt of this guard's own loop; longer than the watchdog, it is a fault."""
        if self.state is not GuardMode.DISARMED and duration > self._config.watchdog:
            self._fail(FaultKind.HALTED, f"the guard was halted for {1000 * duration:.0f} ms", now, duration)

    def missing(self, now: float) -> list[str]:
        """Returns the reasons why the guard may not arm, in words; empty where there are none."""
        found = [self.commands.missing(now), self.joints.missing(now), self._status.missing(now)]
        if self.joints.is_moving(now):
            found.append("the arm is not at rest")
        if not self.output.is_described:
            found.append(self.description.problem or "no robot_description yet")
        if self.suspended:
            found.append("the run is suspended; continue it with fg")
        found += [self.description.conflict(), self._publishers.missing()]
        return [text for text in found if text is not None]

    def arm(self, now: float) -> tuple[bool, str]:
        """Arms if nothing is missing. Returns whether it armed, and the answer for the caller."""
        if (self.state, GuardEvent.ARM) not in TRANSITIONS:
            return False, f"cannot arm: {self.state.name}" + (f" ({self.fault.cause})" if self.fault else "")
        if missing := self.missing(now):
            return False, "not armed: " + "; ".join(missing)
        self._disarmed_by_person = False
        self._apply(GuardEvent.ARM)
        return True, "armed"

    def disarm(self, now: float) -> tuple[bool, str]:
        """Brings the arm to rest until `arm` is called; automatic arming is off until then."""
        self._disarmed_by_person = True
        self._apply(GuardEvent.DISARM)
        return True, f"disarming; the guard is in {self.state.name}"

    def suspend(self, now: float) -> None:
        """Brings the arm to rest and refuses to arm until `resume`. An earlier `disarm` stays in force after that."""
        self.suspended = True
        self._apply(GuardEvent.DISARM)

    def resume(self) -> None:
        """Allows arming again."""
        self.suspended = False

    def reset_fault(self, now: float) -> tuple[bool, str]:
        """Clears a fault on a person's request once the arm is at rest. Returns whether it did, and the answer."""
        if (self.state, GuardEvent.RESET) not in TRANSITIONS:
            return False, f"no fault to clear: {self.state.name}"
        if not self.at_rest or self.joints.is_moving(now):
            return False, "the arm is not at rest yet"
        if self._publishers.foreign and (cause := self._publishers.missing()):
            return False, cause
        self.faults.clear()
        self._apply(GuardEvent.RESET)
        return True, "fault cleared"

    def fail(self, now: float, cause: str) -> None:
        """Latches a fault of the guard's own process, such as an exception."""
        self._fail(FaultKind.GUARD, cause, now)

    def is_late(self, now: float) -> bool:
        """Returns whether the agent's next command is overdue, so that the arm slows down."""
        return self.commands.silence(now) > self._command_timeout

    def tick(self, now: float) -> Vector:
        """Returns the velocity (n,) in rad/s to send now, in command order: always finite."""
        self._supervise_motion(now)
        if not self.output.is_described:
            return self.output.velocity
        self.output.begin(now)
        if self.state is GuardMode.ARMED:
            self._supervise_inputs(now)
        if self.state is GuardMode.ARMED:
            self._follow(now)
        else:
            self.output.brake()
        if self.state is GuardMode.STOPPING and self.at_rest:
            self._apply(GuardEvent.REST)
        if self.state is GuardMode.FAULT:
            self._clear_timing_fault(now)
        if self.state is GuardMode.DISARMED and self._arms_itself and not self.missing(now):
            self._apply(GuardEvent.ARM)
        return self._checked(now)

    @property
    def _arms_itself(self) -> bool:
        return self._config.auto_arm and not self._disarmed_by_person

    def _supervise_motion(self, now: float) -> None:
        """Latches a fault for motion that was not commanded. A robot that is not ready may be guided by hand."""
        following = self.state in (GuardMode.ARMED, GuardMode.STOPPING)
        trusted = not (self._status.missing(now) or self.joints.stale(now))
        if cause := self._motion.judge(now, following, self.at_rest and trusted):
            self._fail(FaultKind.MOTION, cause, now)

    def _supervise_inputs(self, now: float) -> None:
        silence = self.commands.silence(now)
        if silence > self._config.watchdog:
            self._fail(FaultKind.AGENT_SILENT, f"agent silent for {1000 * silence:.0f} ms", now, silence)
        if (cause := self.joints.stale(now)) is not None:
            silence = 0.0 if self.joints.frozen(now) else self.joints.silence(now)
            self._fail(FaultKind.ROBOT_SILENT, cause, now, silence)
        if (cause := self._status.missing(now)) is not None:
            self._fail(FaultKind.NOT_READY, cause, now)
        if (cause := self.description.conflict()) is not None:
            self._fail(FaultKind.DESCRIPTION, cause, now)

    def _follow(self, now: float) -> None:
        wanted, position = self.commands.velocity, self.joints.position
        if self.is_late(now) or self.output.is_resuming:
            self.output.brake()  # before the watchdog, so that the arm is at rest soon after it
        elif not math.isfinite(sum(wanted) + sum(position)):  # no stop can be planned with these
            self._fail(FaultKind.GUARD, f"accepted a value that is not finite: {wanted} rad/s at {position} rad", now)
            self.output.brake()
        else:
            self.output.follow(wanted, position, self.joints.silence(now))

    def _clear_timing_fault(self, now: float) -> None:
        """Clears a timing fault of a simulated arm once the arm is at rest by fresh joint states too."""
        if not self.faults.is_self_clearing or not self.at_rest:
            return
        if self.joints.stale(now) or self.joints.is_moving(now):
            return
        self.faults.clear_itself()
        self.commands.restart_count()  # the agent must see the fault before it commands the arm again
        self._apply(GuardEvent.RESET)

    def _checked(self, now: float) -> Vector:
        """Returns the output, which is finite whatever went wrong before."""
        if error := self.output.halt_unless_finite():
            self._fail(FaultKind.GUARD, error, now)
        else:
            self._motion.on_sent(now, self.output.velocity.tolist())
        return self.output.velocity

    def _fail(self, kind: FaultKind, cause: str, now: float, silence: float = 0.0) -> None:
        """Latches a fault. `silence`: seconds without a message or a cycle, if that is the only cause."""
        self.faults.latch(kind, cause, now, silence)
        self._apply(GuardEvent.FAIL)

    def _apply(self, event: GuardEvent) -> None:
        self.state = TRANSITIONS[self.state, event]
