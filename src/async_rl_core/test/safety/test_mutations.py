"""Switches off each protection, after which its check must fail.

The patches are only possible in code; no configuration switches a protection off.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from async_rl_core.config.schema import Config, RobotConfig
from async_rl_core.safety.fault_latch import FaultLatch
from async_rl_core.safety.guard import Guard
from async_rl_core.safety.inputs.command_input import CommandInput
from async_rl_core.safety.inputs.joint_order import JointOrder
from async_rl_core.safety.inputs.joint_state_input import JointStateInput
from async_rl_core.safety.inputs.status_input import StatusInput
from async_rl_core.safety.limits.collision import CollisionLimit
from async_rl_core.safety.limits.joint_limits import JointLimits
from async_rl_core.safety.limits.position_predictor import PositionPredictor
from async_rl_core.safety.limits.ramp import Ramp
from async_rl_core.safety.limits.ratchet import Ratchet
from async_rl_core.safety.limits.workspace import WorkspaceLimit
from async_rl_core.safety.motion.following_watch import FollowingWatch
from async_rl_core.safety.resumption import Resumption
from async_rl_core.safety.states import TRANSITIONS, GuardEvent, GuardMode
from testing.guard_bench import GuardBench

from . import checks
from .checks import Benches

Patch = pytest.MonkeyPatch


@pytest.fixture
def benches(bench: Callable[..., GuardBench], config: Config, wide: RobotConfig) -> Benches:
    return Benches(bench, config, wide)


def wrongly_rests(patch: Patch) -> None:
    patch.setattr(Guard, "at_rest", property(lambda self: True))
    patch.setattr(JointStateInput, "is_moving", lambda self, now: False)


def forgetful(patch: Patch) -> None:
    patch.setitem(TRANSITIONS, (GuardMode.FAULT, GuardEvent.ARM), GuardMode.ARMED)


def overruling(patch: Patch) -> None:
    patch.setattr(FaultLatch, "_is_worst", lambda self, kind: True)


def without_hold(patch: Patch) -> None:
    patch.setattr(Guard, "disarm", lambda self, now: self._apply(GuardEvent.DISARM))


def without_acceleration(patch: Patch) -> None:
    original = Ramp._next
    patch.setattr(Ramp, "_next", lambda self, motion, goal, limit: original(self, motion, goal, math.inf))


def without_jerk(patch: Patch) -> None:
    original = Ramp.__init__

    def boundless(self: Ramp, acceleration: float, stop: float, jerk: float, cycle: float) -> None:
        original(self, acceleration, stop, 1e9, cycle)

    patch.setattr(Ramp, "__init__", boundless)


def without_ramp(patch: Patch) -> None:
    patch.setattr(Ramp, "brake", lambda self, motion: (0.0, 0.0))


def only_pairs(patch: Patch, kept: Callable[[str], bool]) -> None:
    """Judges only the pairs of bodies whose description passes."""
    original = CollisionLimit._pairs

    def fewer(self: CollisionLimit, robot: RobotConfig) -> list[object]:
        return [pair for pair in original(self, robot) if kept(self._words(pair))]

    patch.setattr(CollisionLimit, "_pairs", fewer)


def forgets_best(patch: Patch) -> None:
    """Compares each cycle with its own start."""
    patch.setattr(Ratchet, "update", lambda self, gaps: setattr(self, "_best", dict(gaps)))


def without_lag(patch: Patch) -> None:
    """Assumes that the arm follows at once, and that joint states are a cycle old."""
    original = PositionPredictor._after
    patch.setattr(PositionPredictor, "_after", lambda self, q, cycles: original(self, q, min(cycles, 1.0)))


def trusts_what_it_sent(patch: Patch) -> None:
    """Assumes that the arm followed during a gap in the joint states."""
    original = Resumption._begin
    patch.setattr(Resumption, "_begin", lambda self, since, gap: original(self, since, gap) if gap else None)


def returning(owner: type, name: str, value: object) -> Callable[[Patch], None]:
    """Replaces a method by one that always returns `value`."""
    return lambda patch: patch.setattr(owner, name, lambda self, *anything: value)


@dataclass(frozen=True)
class Protection:
    """`check` passes with the unchanged guard, and fails after `switch_off`."""

    check: Callable[[Benches], None]
    switch_off: Callable[[Patch], None]


PROTECTIONS = [
    Protection(checks.agents_silence, returning(CommandInput, "silence", 0.0)),
    Protection(checks.late_command, returning(Guard, "is_late", False)),
    Protection(checks.joints_silence, returning(JointStateInput, "stale", None)),
    Protection(checks.frozen_stamps, returning(JointStateInput, "_repeats", False)),
    Protection(checks.jumping_joint, returning(JointStateInput, "_jump", None)),
    Protection(checks.lost_joint, returning(JointOrder, "read", None)),
    Protection(checks.joint_that_is_no_number, returning(JointStateInput, "_not_finite", None)),
    Protection(checks.robot_that_is_not_ready, returning(StatusInput, "missing", None)),
    Protection(checks.command_that_is_no_number, returning(CommandInput, "_absurd", None)),
    Protection(checks.command_for_others, returning(JointOrder, "read", None)),
    Protection(checks.command_again, returning(CommandInput, "_repeated", False)),
    Protection(checks.second_publisher, returning(Guard, "on_publishers", None)),
    Protection(
        checks.error_in_the_limits,
        lambda patch: patch.setattr(Guard, "_checked", lambda self, now: self.output.velocity),
    ),
    Protection(checks.fault_that_stays, forgetful),
    Protection(checks.worst_fault, overruling),
    Protection(checks.reset_in_motion, wrongly_rests),
    Protection(checks.reset_of_an_arm_that_goes_on, returning(JointStateInput, "is_moving", False)),
    Protection(checks.arming_without_an_agent, returning(Guard, "missing", [])),
    Protection(checks.arming_after_one_command, returning(CommandInput, "missing", None)),
    Protection(checks.arming_without_joint_states, returning(JointStateInput, "missing", None)),
    Protection(checks.persons_disarming, without_hold),
    Protection(checks.velocity_limit, lambda patch: patch.setattr(JointLimits, "clipped", lambda self, v: list(v))),
    Protection(checks.acceleration_limit, without_acceleration),
    Protection(checks.jerk_limit, without_jerk),
    Protection(checks.stop_that_is_a_ramp, without_ramp),
    Protection(checks.joint_limits, returning(JointLimits, "_inside", True)),
    Protection(checks.box, returning(WorkspaceLimit, "_room_in_box", math.inf)),
    Protection(checks.sphere, returning(WorkspaceLimit, "_room_in_sphere", math.inf)),
    Protection(checks.links, lambda patch: only_pairs(patch, lambda words: "table" in words)),
    Protection(checks.best_distance, forgets_best),
    Protection(checks.lag_of_the_arm, without_lag),
    Protection(checks.halt_of_the_guard, returning(Resumption, "watch", 0.0)),
    Protection(checks.halt_of_the_robots_side, trusts_what_it_sent),
    Protection(checks.intruder_in_motion, returning(FollowingWatch, "judge", None)),
    Protection(checks.table, lambda patch: only_pairs(patch, lambda words: "table" not in words)),
]


@pytest.fixture(params=PROTECTIONS, ids=lambda protection: protection.check.__name__)
def protection(request: pytest.FixtureRequest) -> Protection:
    found: Protection = request.param
    return found


def test_check_with_its_protection_passes(benches: Benches, protection: Protection) -> None:
    protection.check(benches)


def test_check_without_its_protection_fails(
    benches: Benches, protection: Protection, monkeypatch: pytest.MonkeyPatch
) -> None:
    protection.switch_off(monkeypatch)
    with pytest.raises(AssertionError):
        protection.check(benches)
