"""The robot_description, compared with the configured robot."""

import hashlib
import math
from collections.abc import Sequence

import numpy as np

from async_rl_core.config.schema import RobotConfig
from async_rl_core.errors import SafetyError
from async_rl_core.safety.arm_model import ArmModel
from async_rl_core.safety.kinematics import Kinematics
from async_rl_core.safety.urdf import one_line

TOLERANCE = 0.01
"""Metres by which the tool position may differ from the robot's file; a calibrated arm differs by millimetres."""
SWING = 0.5
"""rad by which each joint is turned from the start pose to compare tool positions."""
LONGEST = 16 * 2**20
"""Maximum number of characters of a description."""
EPSILON = 1e-6


def digest(urdf: str) -> str:
    """Returns the first 16 hex digits of a description's SHA-256."""
    return hashlib.sha256(urdf.strip().encode(errors="surrogatepass")).hexdigest()[:16]


class DescriptionInput:
    """Accepts the first `robot_description` that fits the robot; a different one prevents arming.

    A description that is empty, unreadable or does not fit is refused, and the next one is judged.

    Args:
        robot: the configured robot.
        reference: URDF that the robot's file names; None where it is not installed.

    Attributes:
        digest: of the accepted description; empty before there is one.
        kinematics: of the accepted description.
        agent: digest of the agent's description; empty where unknown.
        problem: reason in one line why the newest description was refused; empty where it was accepted or repeated.
    """

    def __init__(self, robot: RobotConfig, reference: str | None = None) -> None:
        self.digest = ""
        self.kinematics: Kinematics | None = None
        self.problem = ""
        self.agent = ""
        self._robot = robot
        self._reference = reference
        self._file = digest(reference) if reference is not None else ""
        self._publishers = 1
        self._newest = ""
        self._received: set[str] = set()

    def take(self, urdf: str) -> bool:
        """Judges a description. Returns whether it was accepted now."""
        name = self._newest = digest(urdf)
        self._received.add(name)
        if self.digest:
            self.problem = self._difference() if name != self.digest else ""
            return False
        try:
            self.kinematics = self._fitting(urdf)
        except SafetyError as error:
            self.problem = f"{one_line(error)}; waiting for another robot_description"
            return False
        self.digest, self.problem = name, ""
        return True

    def on_publishers(self, count: int) -> None:
        """Takes the number of publishers on robot_description.

        When one is left, a conflict is cleared only if the accepted description equals the robot's file. Otherwise the
        accepted one may be the wrong one, and the conflict stays.
        """
        if count <= 1 < self._publishers and self.digest and self.digest == self._file:
            self._newest = self.digest
        self._publishers = count
        if count <= 1:
            self._received = {self._newest} - {""}

    def conflict(self) -> str | None:
        """Returns the reason why the accepted description is in doubt, or None.

        Another one was received, or the agent uses another one.
        """
        if not self.digest:
            return None
        if self.agent and self.agent != self.digest:
            return f"the agent uses robot_description {self.agent}, the guard {self.digest}; restart the run"
        if self._newest != self.digest:
            return self._difference()
        if self._publishers > 1 and len(self._received) > 1:
            return f"{self._publishers} publishers of robot_description send different ones; stop all but the robot's"
        return None

    def _difference(self) -> str:
        return (
            f"robot_description {self._newest} differs from {self.digest}, which came first; stop its publisher and "
            "restart the run"
        )

    def _fitting(self, urdf: str) -> Kinematics:
        """Returns the kinematics of a description. Raises `SafetyError` where it does not fit the robot."""
        if not urdf.strip():
            raise SafetyError("robot_description is empty")
        if len(urdf) > LONGEST:
            raise SafetyError(f"robot_description has {len(urdf)} characters, at most {LONGEST} are read")
        kinematics = _kinematics(urdf, self._robot, "robot_description")
        require_limits(urdf, self._robot)
        if self._reference is not None and self._file != digest(urdf):
            reference = _kinematics(self._reference, self._robot, self._robot.model)
            require_same_reach(kinematics, reference, self._robot)
        return kinematics


def require_limits(urdf: str, robot: RobotConfig) -> None:
    """Raises `SafetyError` where the configured limits of a joint exceed those of the description."""
    limits = ArmModel(urdf, robot.joints).limits()
    configured = zip(
        robot.limits.position_lower, robot.limits.position_upper, robot.limits.velocity, strict=True
    )  # fmt: skip
    for joint, (lower, upper, speed), (low, high, velocity) in zip(robot.joints, limits, configured, strict=True):
        if low < lower - EPSILON or high > upper + EPSILON:
            raise SafetyError(
                f"robot_description limits {joint} to [{lower:.4g}, {upper:.4g}] rad, robot.limits.position_lower and "
                f"position_upper to [{low:g}, {high:g}]: lower them, or correct the description"
            )
        if velocity > speed + EPSILON:
            raise SafetyError(
                f"robot_description limits {joint} to {speed:.4g} rad/s, robot.limits.velocity to {velocity:g}: "
                "lower it, or correct the description"
            )


def require_same_reach(described: Kinematics, reference: Kinematics, robot: RobotConfig) -> None:
    """Raises `SafetyError` where tool positions differ from the robot's file: link lengths, axes, zero positions."""
    distances = [math.dist(described.position(q), reference.position(q)) for q in _poses(robot.start)]
    if not max(distances) <= TOLERANCE:
        raise SafetyError(
            f"robot_description has the tool up to {1e3 * max(distances):.0f} mm from where {robot.model} has it, at "
            f"most {1e3 * TOLERANCE:.0f} are allowed: another arm's, or other link lengths; correct it, or robot.model"
        )


def _poses(start: Sequence[float]) -> list[list[float]]:
    """Returns the start pose and each joint turned from it to both sides, which covers every link length and axis."""
    turns = [(i, turn) for i in range(len(start)) for turn in (-SWING, SWING)]
    return [list(start)] + [[q + turn * (i == j) for j, q in enumerate(start)] for i, turn in turns]


def _kinematics(urdf: str, robot: RobotConfig, name: str) -> Kinematics:
    try:
        kinematics = Kinematics(urdf, robot.joints, robot.workspace.frame, robot.tool_frame)
        finite = bool(np.isfinite(kinematics.position(robot.start)).all())
    except SafetyError:
        raise
    except Exception as error:  # any error of Pinocchio on a foreign description
        raise SafetyError(f"{name} cannot be read: {type(error).__name__}: {error}") from error
    if not finite:
        raise SafetyError(f"{name} has lengths that are not finite")
    return kinematics
