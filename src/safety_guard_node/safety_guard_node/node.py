"""The node of the safety guard, the only publisher to the robot."""

import gc
import time
from contextlib import suppress

from builtin_interfaces.msg import Time
from rclpy.event_handler import SubscriptionEventCallbacks
from sensor_msgs.msg import JointState
from std_msgs.msg import String
from std_srvs.srv import Trigger

import async_rl_ros.node
from async_rl_core import topics
from async_rl_core.bringup.exit_policy import FAULTED
from async_rl_core.bringup.process.link import ARMED, MOVING, supervisor
from async_rl_core.realtime.histogram import Histogram
from async_rl_core.realtime.schedule import Schedule
from async_rl_core.safety.guard import Guard, Vector
from async_rl_core.safety.halt_log import NOTICED
from async_rl_core.safety.limits.ramp import longest_stop
from async_rl_core.safety.states import Fault, GuardMode
from async_rl_core.topics import private
from async_rl_interfaces.msg import GuardState, RobotStatus, VelocityCommand
from async_rl_ros import scheduling
from async_rl_ros.controller_manager_client import ControllerManagerClient
from async_rl_ros.description import reference_description
from async_rl_ros.diagnostics import Diagnostics, Health, Level
from async_rl_ros.messages import histogram_message
from async_rl_ros.node import ConfiguredNode, StopSignal
from async_rl_ros.processor import ProcessorClock
from async_rl_ros.qos import COMMAND, DESCRIPTION, LATCHED, SENSOR
from async_rl_ros.ros_time import every, nanoseconds
from safety_guard_node.fault_fields import fault_fields
from safety_guard_node.suspension import Suspension
from safety_guard_node.topics import CommandTopic, PublisherCount, subscribe, velocity_problem

PRIORITY = 40
"""SCHED_FIFO priority, above those of the simulated robot and the agent."""
QUEUED = 50
"""Messages that may wait after a halt below the watchdog: mostly joint states, 125 per second."""
REPORT_PERIOD = 1.0
"""Seconds between two checks of the command topic's publishers, and between repetitions of the state."""
SUPERVISOR_PERIOD = 0.1
"""Seconds between two checks whether the supervisor is stopped."""
MARGIN = 0.0002
"""Seconds from a command's expected arrival to the cycle that sends it."""
ZEROS = 0.12
"""Seconds for which zeros are sent after the arm came to rest, before the process ends."""
STOP_RESERVE = 0.2
"""Seconds beyond the longest stop after which the process ends in any case."""
DEACTIVATION_LIMIT = 0.5
"""Seconds for which the end of the process waits for the controller's deactivation."""


class SafetyGuardNode(ConfiguredNode):
    """Passes messages to the guard, sends its velocity at the robot's state rate, and publishes its state.

    One thread runs the cycles and, between two cycles, the callbacks.
    """

    def __init__(self) -> None:
        super().__init__("safety_guard_node")
        robot = self.config.robot
        driver = self.config.robot_driver
        self._guard = Guard(
            robot,
            self.config.guard,
            self.config.agent.action_cycle_time,
            driven=driver is not None,
            simulated=self.config.hardware == "sim",
            holds=driver is not None and driver.via == "launch",
            reference=reference_description(robot, self.get_logger().warning),
        )
        self._processor = ProcessorClock()
        self._started = self.get_clock().now().to_msg()
        period = 1.0 / robot.state_rate
        self._schedule = Schedule(period, period, MARGIN, time.monotonic(), restart_after=NOTICED)
        self._lateness = Histogram("guard_lateness")
        self._latency = Histogram("wire_latency")
        self._judging = Histogram("guard_judging")
        self._observed: int | None = None
        self._published: tuple[object, ...] = ()
        self._fault_stamp = Time()
        self._description_problem = ""
        self._commands = CommandTopic(self, robot.command_topic, self._guard)
        self._states = self.create_publisher(GuardState, private(topics.GUARD_STATE), LATCHED)
        self._subscribe()
        name = driver.controller if driver and driver.via == "launch" else None
        self._controller = ControllerManagerClient(self, name) if name else None
        self._zeros = round(ZEROS * robot.state_rate)
        self._suspension = Suspension(supervisor(), self._zeros)
        self._unreported = {ARMED, MOVING}
        self._phase_corrected = False
        self._rested = 0
        self.create_service(Trigger, private(topics.ARM), self._arm)
        self.create_service(Trigger, private(topics.DISARM), self._disarm)
        self.create_service(Trigger, private(topics.RESET_FAULT), self._reset_fault)
        every(self, REPORT_PERIOD, self._report)
        every(self, SUPERVISOR_PERIOD, self._suspension.check_supervisor)
        self._diagnostics = Diagnostics(self, self._health, robot.name)

    def _subscribe(self) -> None:
        guard, state_topic = self._guard, self.config.robot.state_topic
        subscribe(self, guard, JointState, state_topic, self._on_joint_state, SENSOR)
        subscribe(self, guard, VelocityCommand, topics.AGENT_COMMAND, self._on_command, COMMAND)
        events = SubscriptionEventCallbacks(matched=PublisherCount(guard.description.on_publishers))
        self.create_subscription(
            String, topics.ROBOT_DESCRIPTION, self._on_description, DESCRIPTION, event_callbacks=events
        )
        if self.config.robot_driver is not None:
            subscribe(self, guard, RobotStatus, topics.ROBOT_STATUS, self._on_status, LATCHED)

    def on_bad_message(self, topic: str, error: Exception) -> None:
        """Logs the error and latches a fault: a message that cannot be read cannot be judged."""
        super().on_bad_message(topic, error)
        self._guard.fail(time.monotonic(), f"error in the guard on a message of {topic}: {error}")

    def run(self, stop: StopSignal) -> None:
        """Runs the cycles until a stop is requested. In every case the arm is brought to rest first."""
        self.get_logger().info(scheduling.lock_memory())
        scheduling.freeze_garbage()
        self._schedule.advance(time.monotonic())
        try:
            while not stop.requested:
                now = self._serve()
                self._suspend_if_wanted(now, stop)
                self._send(now)
            if self._guard.faults.needs_person(time.monotonic()):
                self.exit_code = FAULTED
        except Exception as error:
            self._guard.fail(time.monotonic(), f"error in the guard: {error}")
            raise
        finally:
            self._come_to_rest()

    def _serve(self) -> float:
        """Serves callbacks until the next cycle is due. Returns the time to judge at."""
        before = self._processor.read()
        while (wait := self._schedule.due - (now := time.monotonic())) > 0:
            self.executor_.spin_once(timeout_sec=wait)
        halted = now - self._schedule.due
        if halted > NOTICED:
            after = self._processor.read()
            worked = min(halted, after.worked - before.worked)
            self._guard.halts.cycle(self._schedule.due + worked, now, after.queued - before.queued)
        return self._after_halt(halted) if halted > self._schedule.period else now

    def _after_halt(self, halted: float) -> float:
        """Takes the messages that waited during a halt of this process. Returns the present time.

        Otherwise the halt would count as a silence of their senders.
        """
        self.take_waiting(QUEUED)
        now = time.monotonic()
        self._guard.on_halt(now, halted)
        return now

    def _send(self, now: float) -> None:
        """Makes one cycle: judges, publishes and schedules the next one."""
        self._phase_corrected = False
        self._measure(now)
        velocity = self._guard.tick(now)
        if (halted := time.monotonic() - now) > self._schedule.period:  # the judged inputs are too old now
            now = self._after_halt(halted)
            velocity = self._guard.tick(now)
        self._command(velocity, now)
        if self._published != (self._guard.state, self._guard.fault):
            self._publish_state()
        if self._unreported:
            self._report_start()
        self._deactivate_at_rest()

    def _suspend_if_wanted(self, now: float, stop: StopSignal) -> None:
        """Brings the arm to rest while the run is suspended, and confirms that it is."""
        wanted = self._suspension.is_requested(now, stop)
        if wanted != self._guard.suspended:
            if wanted:
                self._guard.suspend(now)
            else:
                self._guard.resume()
            self.get_logger().info("suspended: the arm comes to rest" if wanted else "no longer suspended")
        if wanted:
            self._suspension.cycle(self._guard.at_rest)

    def _report_start(self) -> None:
        """Reports the first arming and the first motion to the supervisor."""
        if ARMED in self._unreported and self._guard.state is GuardMode.ARMED:
            self._unreported.discard(ARMED)
            supervisor().report(ARMED)
        if MOVING in self._unreported and not self._guard.at_rest:
            self._unreported.discard(MOVING)
            supervisor().report(MOVING)

    def _deactivate_at_rest(self) -> None:
        """Has the controller deactivated once enough zeros were sent after a fault."""
        resting = self._guard.state is GuardMode.FAULT and self._guard.at_rest
        self._rested = self._rested + 1 if resting else 0
        if self._controller and self._rested == self._zeros:
            self._controller.deactivate()

    def _command(self, velocity: Vector, now: float) -> None:
        """Publishes the velocity judged at `now`, and schedules the next cycle."""
        self._judging.add(1e3 * (time.monotonic() - now))
        self._commands.send(velocity)
        self._schedule.advance(now)

    def _measure(self, now: float) -> None:
        self._lateness.add(1e3 * (now - self._schedule.due))
        if self._observed is not None:
            self._latency.add(1e-6 * (self.get_clock().now().nanoseconds - self._observed))
            self._observed = None

    def _come_to_rest(self) -> None:
        """Ramps down and sends zeros. Callbacks are not served meanwhile."""
        end = time.monotonic() + longest_stop(self.config.robot) + ZEROS + STOP_RESERVE
        self._guard.disarm(time.monotonic())
        zeros = 0  # counted, not timed, so that a halt of the machine does not reduce them
        while zeros < self._zeros and time.monotonic() < end:
            time.sleep(max(0.0, self._schedule.due - time.monotonic()))
            now = time.monotonic()
            self._command(self._guard.tick(now), now)
            zeros = zeros + 1 if self._guard.at_rest else 0
        with suppress(Exception):  # the arm is at rest, so a failure to report it is ignored
            self._publish_state()
            if self._controller and (future := self._controller.deactivate()):
                self.executor_.spin_until_future_complete(future, DEACTIVATION_LIMIT)

    def _on_joint_state(self, message: JointState) -> None:
        stamp = nanoseconds(message.header.stamp)
        self._guard.on_joint_state(time.monotonic(), stamp, message.name, message.position, message.velocity)
        problem = self._guard.joints.problem or velocity_problem(message)
        if problem:
            self.get_logger().warning(f"cannot use joint states: {problem}", throttle_duration_sec=5.0)

    def _on_command(self, message: VelocityCommand) -> None:
        now = time.monotonic()
        if self._guard.on_command(now, message.sequence, message.name, message.velocity, message.description):
            if not self._phase_corrected:  # once per cycle, so that a flood of commands cannot postpone the cycle
                self._schedule.follow(now)
                self._phase_corrected = True
            self._observed = nanoseconds(message.observation_stamp) or None

    def _on_status(self, message: RobotStatus) -> None:
        self._guard.on_status(time.monotonic(), message.ready, message.cause)

    def _on_description(self, message: String) -> None:
        taken = self._guard.on_description(message.data)
        problem = self._guard.description.problem
        if problem and problem != self._description_problem:
            self.get_logger().error(problem)
        self._description_problem = problem
        if not taken:
            return
        self._schedule.advance(time.monotonic())  # not armed: cycles missed while reading meshes are not late
        if self._guard.output.collisions_unjudged:
            self.get_logger().warning(f"collisions are not judged: {self._guard.output.collisions_unjudged}")

    def _arm(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        self._count_publishers()
        response.success, response.message = self._guard.arm(time.monotonic())
        return response

    def _disarm(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        response.success, response.message = self._guard.disarm(time.monotonic())
        return response

    def _reset_fault(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        response.success, response.message = self._guard.reset_fault(time.monotonic())
        return response

    def _report(self) -> None:
        self._count_publishers()
        if self._guard.state is not GuardMode.ARMED or not self._guard.is_late(time.monotonic()):
            self._publish_state()  # otherwise the agent would count its actions during a silence as confirmed
        gc.collect(0)  # the youngest generation only

    def _count_publishers(self) -> None:
        self._guard.on_publishers(time.monotonic(), self.count_publishers(self.config.robot.command_topic))

    def _publish_state(self) -> None:
        """Publishes the guard's state, and logs a change of it."""
        now = self.get_clock().now().to_msg()
        guard, fault = self._guard, self._guard.fault
        if self._published != (guard.state, fault):
            self._published = (guard.state, fault)
            self._fault_stamp = now if fault else Time()
            if fault:
                self.get_logger().error(f"FAULT: {fault.cause}; {self._remedy(fault)}")
            else:
                self.get_logger().info(guard.state.name.lower())
        message = GuardState(
            state=int(guard.state),
            cause=fault.cause if fault else "",
            fault_stamp=self._fault_stamp,
            commands_accepted=guard.commands.accepted,
            commands_refused=guard.commands.refused,
            commands_limited=guard.output.limited.total(),
            histogram=[histogram_message(histogram) for histogram in self._histograms],
            started=self._started,
            **fault_fields(guard.faults, guard.faults.clears_timing_faults),
            description=guard.description.digest,
        )
        message.header.stamp = now
        self._states.publish(message)

    def _remedy(self, fault: Fault) -> str:
        if fault.of_timing and self._guard.faults.clears_timing_faults:
            return "stopping the arm; it continues once it is at rest and nothing is missing"
        return "stopping the arm until a person types 'async_rl reset-fault'"

    @property
    def _histograms(self) -> tuple[Histogram, ...]:
        return self._lateness, self._judging, self._latency

    def _health(self) -> Health:
        guard = self._guard
        values: dict[str, object] = {
            "state": guard.state.name,
            "commands accepted": guard.commands.accepted,
            "commands refused": guard.commands.refused,
            **{f"cycles limited by {name}": count for name, count in sorted(guard.output.limited.items())},
            "robot_description": guard.description.digest or guard.description.problem or "none yet",
            "collisions": guard.output.collisions_unjudged or "judged",
            **{f"faults: {kind.name.lower()}": count for kind, count in sorted(guard.faults.counts.items())},
            "faults cleared by the guard": guard.faults.cleared,
            "longest silence (ms)": f"{1000 * guard.faults.longest_silence:.0f}",
        }
        if guard.faults.last is not None:
            values["newest fault"] = guard.faults.last.cause
        for histogram in self._histograms:
            values[f"{histogram.name} p50 (ms)"] = f"{histogram.percentile(50):.2f}"
            values[f"{histogram.name} p99 (ms)"] = f"{histogram.percentile(99):.2f}"
        if guard.fault:
            return Health(Level.ERROR, guard.fault.cause, values)
        if guard.state is GuardMode.DISARMED and (missing := guard.missing(time.monotonic())):
            return Health(Level.WARN, "; ".join(missing), values)
        if guard.output.collisions_unjudged:
            return Health(Level.WARN, f"{guard.state.name.lower()}; collisions are not judged", values)
        return Health(Level.OK, guard.state.name.lower(), values)


def schedule() -> str:
    """Requests real-time scheduling and isolated processors. Returns the result in words."""
    return f"{scheduling.realtime(PRIORITY, short=True)}; {scheduling.isolate()}"


def main() -> None:
    """Runs the node as a process."""
    async_rl_ros.node.main(SafetyGuardNode, schedule)
