"""A check for each of the guard's protections, which passes with the unchanged guard."""

import math
from collections.abc import Callable

import numpy as np

from async_rl_core.config.load import resolve
from async_rl_core.config.robot import Sphere
from async_rl_core.config.schema import Config, RobotConfig
from async_rl_core.safety.inputs.status_input import StatusInput
from async_rl_core.safety.states import FaultKind, GuardMode
from testing.command_sequences import CommandSequences, PhysicalArm
from testing.guard_bench import GuardBench

from .halted import CYCLE, HaltedGuard

ZERO = [0.0] * 6
MOVING = [0.2, 0.2, -0.2, 0.2, 0.2, 0.0]
EXTREME = 3.9
NEAR_TABLE = [1.57, -0.323, 0.6, -2.2, -1.57, 3.14]
"""A UR5 with its tool's sphere just outside the margin before the table."""
PAST_FACE = [-1.0, 1.0, -1.0, 1.0, 1.0, 1.0, 1.0]
"""rad/s of a Panda's joints: at full speed from the start pose through a face of the box."""


class Benches:
    """Makes benches of the usual robot, or of one whose limits let its links touch."""

    def __init__(self, make: Callable[..., GuardBench], config: Config, wide: RobotConfig) -> None:
        self._make = make
        self.config = config
        self.robot = config.robot
        self.wide = wide

    def armed(self, robot: RobotConfig | None = None) -> GuardBench:
        return self._make(robot=robot or self.robot).armed()

    def at(self, start: list[float], robot: RobotConfig) -> GuardBench:
        return self._make(start, robot).armed()

    def new(self, **guard: object) -> GuardBench:
        return self._make(**guard)


def latches(arm: GuardBench, kind: FaultKind) -> None:
    """Checks that the fault is latched, and that the arm comes to rest and stays there."""
    assert arm.guard.state is GuardMode.FAULT
    assert arm.guard.fault is not None
    assert arm.guard.fault.kind is kind
    arm.cycles(20)
    arm.cycles(30, command=MOVING)
    assert not arm.velocity.any()


def drive(arm: GuardBench, command: list[float], cycles: int, check: Callable[[], None]) -> None:
    for _ in range(cycles):
        arm.cycles(1)
        arm.send(command)
        check()


def agents_silence(benches: Benches) -> None:
    arm = benches.armed()
    arm.cycles(50, command=MOVING)
    arm.cycles(14)
    latches(arm, FaultKind.AGENT_SILENT)


def late_command(benches: Benches) -> None:
    arm = benches.armed()
    arm.cycles(51, command=MOVING)
    arm.cycles(9)
    assert np.abs(arm.velocity).max() < 0.1


def joints_silence(benches: Benches) -> None:
    arm = benches.armed()
    arm.cycles(50, command=MOVING)
    arm.cycles(20, states=False, command=MOVING)
    latches(arm, FaultKind.ROBOT_SILENT)


def frozen_stamps(benches: Benches) -> None:
    arm = benches.armed()
    arm.cycles(50, command=MOVING)
    stamp, frozen = round(1e9 * arm.time), arm.position.tolist()
    for _ in range(20):
        arm.guard.on_joint_state(arm.time, stamp, arm.names, frozen)
        arm.cycles(1, states=False, command=MOVING)
    latches(arm, FaultKind.ROBOT_SILENT)


def jumping_joint(benches: Benches) -> None:
    arm = benches.armed()
    arm.cycles(50, command=MOVING)
    arm.position[0] += 0.1
    arm.cycles(1)
    latches(arm, FaultKind.ROBOT)


def lost_joint(benches: Benches) -> None:
    arm = benches.armed()
    names = sorted(arm.names)
    angles = [float(arm.position[arm.names.index(name)]) for name in names]
    arm.guard.on_joint_state(arm.time, 1, ["other", *names[1:]], angles)
    latches(arm, FaultKind.ROBOT)


def joint_that_is_no_number(benches: Benches) -> None:
    arm = benches.armed()
    arm.guard.on_joint_state(arm.time, 1, arm.names, [math.nan, *arm.position.tolist()[1:]])
    latches(arm, FaultKind.ROBOT)


def robot_that_is_not_ready(benches: Benches) -> None:
    arm = benches.armed()
    arm.guard._status = StatusInput(True)
    arm.guard.on_status(arm.time, False, "protective stop")
    arm.cycles(1, command=ZERO)
    latches(arm, FaultKind.NOT_READY)


def command_that_is_no_number(benches: Benches) -> None:
    arm = benches.armed()
    arm.send([math.nan] * 6)
    latches(arm, FaultKind.COMMAND)


def command_for_others(benches: Benches) -> None:
    arm = benches.armed()
    arm.guard.on_command(arm.time, 1000, ["other", *arm.names[1:]], MOVING)
    latches(arm, FaultKind.COMMAND)


def command_again(benches: Benches) -> None:
    arm = benches.armed()
    arm.guard.on_command(arm.time, arm.sequence, arm.names, MOVING)
    latches(arm, FaultKind.COMMAND)


def second_publisher(benches: Benches) -> None:
    arm = benches.armed()
    arm.guard.on_publishers(arm.time, 2)
    latches(arm, FaultKind.PUBLISHERS)


def error_in_the_limits(benches: Benches) -> None:
    arm = benches.armed()
    assert arm.guard.output.is_described
    arm.guard.output.velocity[:] = math.nan
    assert np.all(np.isfinite(arm.guard._checked(arm.time)))
    latches(arm, FaultKind.GUARD)


def fault_that_stays(benches: Benches) -> None:
    arm = benches.armed()
    arm.guard.fail(arm.time, "a test")
    arm.cycles(60, command=ZERO)
    arm.guard.arm(arm.time)
    arm.cycles(60, command=MOVING)
    latches(arm, FaultKind.GUARD)


def worst_fault(benches: Benches) -> None:
    arm = benches.armed()
    arm.guard.fail(arm.time, "the worst")
    arm.send([math.nan] * 6)
    latches(arm, FaultKind.GUARD)


def reset_in_motion(benches: Benches) -> None:
    arm = benches.armed()
    arm.cycles(50, command=MOVING)
    arm.guard.fail(arm.time, "a test")
    arm.guard.reset_fault(arm.time)
    latches(arm, FaultKind.GUARD)


def reset_of_an_arm_that_goes_on(benches: Benches) -> None:
    arm = benches.armed()
    arm.guard.fail(arm.time, "a test")
    for _ in range(60):
        arm.position[0] += 0.1 * arm.cycle
        arm.cycles(1)
    assert not arm.guard.reset_fault(arm.time)[0]


def arming_without_an_agent(benches: Benches) -> None:
    arm = benches.new(auto_arm=False)
    arm.cycles(60)
    assert not arm.guard.arm(arm.time)[0]


def arming_after_one_command(benches: Benches) -> None:
    arm = benches.new(auto_arm=False)
    arm.cycles(60)
    arm.cycles(5, command=ZERO)
    assert not arm.guard.arm(arm.time)[0]


def arming_without_joint_states(benches: Benches) -> None:
    arm = benches.new(auto_arm=False)
    arm.cycles(60, states=False, command=ZERO)
    assert not arm.guard.arm(arm.time)[0]


def persons_disarming(benches: Benches) -> None:
    arm = benches.armed()
    arm.guard.disarm(arm.time)
    arm.cycles(60, command=MOVING)
    assert arm.guard.state is GuardMode.DISARMED


def velocity_limit(benches: Benches) -> None:
    arm = benches.armed()
    drive(arm, [EXTREME, *ZERO[1:]], 100, arm.check_command)


def acceleration_limit(benches: Benches) -> None:
    arm = benches.armed()
    drive(arm, [0.7, *ZERO[1:]], 5, arm.check_command)


def jerk_limit(benches: Benches) -> None:
    limits = benches.robot.limits.model_copy(update={"jerk": (100.0,) * 6})
    arm = benches.armed(benches.robot.model_copy(update={"limits": limits}))
    drive(arm, [0.7, *ZERO[1:]], 5, arm.check_command)


def stop_that_is_a_ramp(benches: Benches) -> None:
    arm = benches.armed()
    arm.cycles(60, command=[0.7, *ZERO[1:]])
    arm.guard.disarm(arm.time)
    for _ in range(20):
        arm.cycles(1)
        arm.check_command()


def joint_limits(benches: Benches) -> None:
    arm = benches.armed()
    drive(arm, [0.0, 0.0, 0.0, 0.0, 0.0, 0.5], 200, arm.check_arm)


def box(benches: Benches) -> None:
    low = benches.robot.workspace.model_copy(update={"upper": (0.4, 0.8, 0.65)})
    arm = benches.armed(benches.robot.model_copy(update={"workspace": low}))
    drive(arm, [0.0, 0.0, -0.3, 0.0, 0.0, 0.0], 200, arm.check_arm)


def sphere(benches: Benches) -> None:
    small = Sphere(center=(0.0, 0.45, 0.45), radius=0.3)
    workspace = benches.robot.workspace.model_copy(update={"sphere": small})
    arm = benches.armed(benches.robot.model_copy(update={"workspace": workspace}))
    drive(arm, [0.3, 0.0, 0.0, 0.0, 0.0, 0.0], 300, arm.check_arm)


def links(benches: Benches) -> None:
    arm = benches.armed(benches.wide)
    drive(arm, [0.0, 0.0, 0.5, 0.0, 0.0, 0.0], 300, arm.check_arm)


def table(benches: Benches) -> None:
    arm = benches.armed(benches.wide)
    drive(arm, [0.0, 0.5, 0.0, 0.0, 0.0, 0.0], 350, arm.check_arm)


def best_distance(benches: Benches) -> None:
    """Noise of the joint states and slow motion must not accumulate to a way through the margin."""
    arm = benches.at(NEAR_TABLE, benches.wide)
    arm.noise = 0.0002
    for _ in range(120):
        arm.cycles(5, command=[0.0, 0.001, 0.0, 0.0, 0.0, 0.0])
    height = float(arm.kinematics.position(arm.position)[2]) - arm.robot.bodies.tool_radius
    assert height > 0.02 - 0.001, height


def lag_of_the_arm(benches: Benches) -> None:
    """A simulated Panda, whose motion lags behind its commands, with joint states a cycle old."""
    config = resolve("laptop", {}, "panda")
    sequences = CommandSequences(config, PhysicalArm(config), seed=1, delays=(1,))
    assert not +sequences.drive(PAST_FACE, 30)


def halt_of_the_guard(benches: Benches) -> None:
    """The arm stopped by itself meanwhile, and must not jump to the last velocity sent."""
    bench = HaltedGuard(benches.config)
    bench.halt(0.064)
    assert bench.cycle(10) <= 1.5 * bench.robot.limits.acceleration[0] * CYCLE


def halt_of_the_robots_side(benches: Benches) -> None:
    bench = HaltedGuard(benches.config)
    bench.be_deaf(0.064)
    assert bench.cycle(10) <= 1.5 * bench.robot.limits.acceleration[0] * CYCLE


def intruder_in_motion(benches: Benches) -> None:
    """Detected also if the middleware does not report the other publisher."""
    bench = HaltedGuard(benches.config)
    bench.intrude(0.6, 0.3)
    assert bench.guard.fault is not None and bench.guard.fault.kind is FaultKind.MOTION
