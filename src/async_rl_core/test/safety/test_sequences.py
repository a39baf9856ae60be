"""No sequence of commands makes the guard, or the arm behind it, violate a limit.

ASYNC_RL_COMMANDS sets how many commands are generated in all, such as 1000000; fewer without it.
"""

import os
from collections.abc import Callable

import pytest

from async_rl_core.config.catalogue import robots
from async_rl_core.config.load import resolve
from async_rl_core.config.schema import Config
from testing.command_sequences import CommandSequences, ExactArm, PhysicalArm

COMMANDS = int(os.environ.get("ASYNC_RL_COMMANDS", "12000"))
DELAYS = (0, 1, 2)
"""Cycles by which the joint states of a simulated arm are late here."""
NOISE = 0.0002
"""rad by which they are wrong, at most."""
PHYSICAL_TOLERANCE = 0.05
"""rad/s by which the simulated joints overshoot a new velocity."""


def softer(config: Config, jerk: float) -> Config:
    """The same robot with a smaller jerk limit: its ramps are curves of many cycles."""
    limits = config.robot.limits.model_copy(update={"jerk": (jerk,) * len(config.robot.joints)})
    return config.model_copy(update={"robot": config.robot.model_copy(update={"limits": limits})})


@pytest.mark.timeout(0)
@pytest.mark.parametrize(
    ("robot", "physical", "jerk", "share"),
    [("ur5", False, None, 0.5), ("ur5", True, None, 0.2), ("ur5", False, 300.0, 0.2), ("panda", False, None, 0.1)],
)
def test_guard_with_any_commands_keeps_every_limit(
    robot: str,
    physical: bool,
    jerk: float | None,
    share: float,
    record_property: Callable[[str, object], None],
) -> None:
    config = resolve("laptop", {}, robot)
    config = softer(config, jerk) if jerk else config
    arm = PhysicalArm(config) if physical else ExactArm(1.0 / config.robot.state_rate)
    sequences = CommandSequences(config, arm, seed=1, tolerance=PHYSICAL_TOLERANCE if physical else 0.0)
    report = sequences.run(round(share * COMMANDS))
    for name, value in vars(report).items():
        record_property(name, dict(value) if isinstance(value, dict) else value)
    assert not +report.violations
    assert report.limited.total() > report.cycles / 20  # it was tempted


@pytest.mark.timeout(0)
@pytest.mark.parametrize("robot", robots())
def test_guard_with_any_commands_keeps_a_simulated_arm_inside(
    robot: str, record_property: Callable[[str, object], None]
) -> None:
    config = resolve("laptop", {}, robot)
    sequences = CommandSequences(config, PhysicalArm(config), 2, PHYSICAL_TOLERANCE, DELAYS, NOISE)
    report = sequences.run(round(0.04 * COMMANDS))
    record_property("limited", dict(report.limited))
    assert not +report.violations
    assert report.limited.total() > report.cycles / 20
