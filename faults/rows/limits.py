"""Promise 5: no sequence of commands makes the guard or the arm exceed a limit."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from random import Random

from async_rl_core.config.catalogue import robots
from async_rl_core.config.load import resolve
from async_rl_core.safety.limits.joint_limits import JointLimits
from async_rl_core.safety.limits.position_predictor import PositionPredictor
from faults.campaign import Campaign, mutation
from faults.report import Row
from testing.command_sequences import CommandSequences, ExactArm, PhysicalArm

ROBOTS = ("ur5", "panda")
NOISE = 0.0002
"""Maximum error of the joint states, in rad."""
OVERSHOOT = 0.05
"""Overshoot of the simulated joints, in rad/s."""
CHUNK = 10_000
"""Commands per process; each chunk has its own seed."""


def generated(campaign: Campaign, random: Random) -> list[Row]:
    """Measures generated sequences with an arm that follows exactly, judged by an independent oracle."""
    commands = campaign.repeats(short=800, long=1_000_000)
    violations, limited = _violations(commands, random)
    measured = f"{dict(violations) or 'no'} violations; commands bent: {dict(limited)}"
    promise = "joint, velocity, acceleration, jerk, workspace and collision limits, of a UR5 and of a Panda"
    mutations = mutation(campaign, "joint limits by stopping distance", lambda: _unlimited(random))
    return [Row(5, promise, "0 violations", measured, commands, not violations, mutations)]


def simulated(campaign: Campaign, random: Random) -> list[Row]:
    """Measures the same with each robot's simulated arm, which lags, and with late, lost and wrong joint states."""
    commands = campaign.repeats(short=400, long=50_000)
    found = [_run_simulated(robot, commands, random.randrange(2**32)) for robot in robots()]
    violations = sum(found, Counter())
    promise = "the same limits before every robot's simulated arm, joint states late, lost and wrong by 0.2 mrad"
    mutations = mutation(campaign, "the arm's lag in the plan", lambda: _unforeseen(random))
    measured = f"{dict(violations) or 'no'} violations"
    return [Row(5, promise, "0 violations", measured, commands * len(found), not violations, mutations)]


def _run_simulated(robot: str, commands: int, seed: int) -> Counter[str]:
    config = resolve("laptop", {}, robot)
    run = CommandSequences(config, PhysicalArm(config), seed, OVERSHOOT, (0, 1, 2), NOISE)
    return +Counter(run.run(commands).violations)


def _unforeseen(random: Random) -> str:
    kept = PositionPredictor._after
    PositionPredictor._after = lambda self, q, cycles: kept(self, q, min(cycles, 1.0))  # type: ignore[method-assign, assignment]
    try:
        violations = _run_simulated("panda", 2_000, random.randrange(2**32))
    finally:
        PositionPredictor._after = kept  # type: ignore[method-assign]
    return str(dict(violations)) if violations else ""


def _violations(commands: int, random: Random) -> tuple[Counter[str], Counter[str]]:
    chunk = min(CHUNK, max(1, commands // len(ROBOTS)))
    jobs = [(ROBOTS[i % len(ROBOTS)], chunk, random.randrange(2**32)) for i in range(-(-commands // chunk))]
    violations: Counter[str] = Counter()
    limited: Counter[str] = Counter()
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        for i, (found, bent) in enumerate(pool.map(_run, jobs), 1):
            violations += found
            limited += bent
            if i % 10 == 0:
                print(f"5: {i * chunk:,} of {commands:,} commands", flush=True)
    return violations, limited


def _run(job: tuple[str, int, int]) -> tuple[Counter[str], Counter[str]]:
    robot, commands, seed = job
    config = resolve("laptop", {}, robot)
    report = CommandSequences(config, ExactArm(1.0 / config.robot.state_rate), seed).run(commands)
    return +report.violations, report.limited


@contextmanager
def _without_joint_limits() -> Iterator[None]:
    kept = JointLimits._inside
    JointLimits._inside = lambda *anything: True  # type: ignore[method-assign]
    try:
        yield
    finally:
        JointLimits._inside = kept  # type: ignore[method-assign]


def _unlimited(random: Random) -> str:
    with _without_joint_limits():
        violations, _ = _run(("ur5", 800, random.randrange(2**32)))
    return str(dict(violations)) if violations else ""
