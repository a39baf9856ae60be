"""The agent's soft limits: the box and the joint range in which a policy learns, ahead of the guard's limits."""

import numpy as np
from numpy.typing import NDArray

from async_rl_core.config.schema import RobotConfig
from async_rl_core.safety.kinematics import Kinematics

Vector = NDArray[np.float64]

RETURN_VELOCITY = 0.1
"""rad/s of the fastest joint on the way back into the box (the code of Yuan and Mahmood, 2022)."""
JOINT_CLEARANCE = 0.03
"""rad before a joint limit at which a motion is planned to end: more than the guard's margin."""
BOX_CLEARANCE = 0.01
"""metres before the box's faces at which a motion is planned to end."""
REACTION = 1.5
"""Action cycles at constant velocity before a stop takes hold."""
SWEEPS = 4
"""Rounds of projection onto faces and joint ranges in turn."""
DAMPING = 1e-4
"""m^2 added to the squared Jacobian: bounds joint velocities near singular poses."""


class SoftLimits:
    """Limits a policy's joint velocities, so that the arm slides along its limits instead of leaving them.

    Inside the box, a velocity towards a face or a joint limit is reduced so that the arm can stop before it with
    `limits.acceleration`; what points along the face stays. Outside, the tool is steered to the box's centre at
    `RETURN_VELOCITY`. A joint beyond its limit is pushed back. `cycle` is the action cycle time in seconds.
    Only the actuated joints are bent for the box; no state is kept between calls.
    """

    def __init__(self, robot: RobotConfig, kinematics: Kinematics, cycle: float) -> None:
        limits = robot.limits
        self._kinematics = kinematics
        self._reaction = REACTION * cycle
        self._lower = np.array(limits.position_lower) + JOINT_CLEARANCE
        self._upper = np.array(limits.position_upper) - JOINT_CLEARANCE
        self._velocity = np.array(limits.velocity)
        self._acceleration = np.array(limits.acceleration)
        self._actuated = np.array([joint in robot.actuated_joints for joint in robot.joints])
        self._box_lower = np.array(robot.workspace.lower)
        self._box_upper = np.array(robot.workspace.upper)
        self._centre = (self._box_lower + self._box_upper) / 2
        self._start = np.array(robot.start)

    def inside(self, q: Vector) -> bool:
        """Returns whether the tool is in the box with the joints at `q` (n,) in rad."""
        tool = self._kinematics.position(q)
        return bool(np.all((tool >= self._box_lower) & (tool <= self._box_upper)))

    def shape(self, q: Vector, velocity: Vector) -> Vector:
        """Returns `velocity` (n,) in rad/s, limited for the joints at `q` (n,) in rad, both in command order."""
        tool = self._kinematics.position(q)
        low, high = self._joint_range(q)
        jacobian = np.where(self._actuated, self._kinematics.jacobian(q), 0.0)
        if np.any((tool < self._box_lower) | (tool > self._box_upper)):
            return self._steered_back(q, self._centre - tool, jacobian, low, high)
        return self._slid(tool, jacobian, np.clip(velocity, low, high), low, high)

    def _joint_range(self, q: Vector) -> tuple[Vector, Vector]:
        """Returns the range (n,) from which each joint stops before its limits; beyond a limit, one that leads back."""
        return -self._stoppable(q - self._lower), self._stoppable(self._upper - q)

    def _stoppable(self, distance: Vector) -> Vector:
        """Returns v of v^2 / 2a + v t = d; where d < 0, the velocity that leads back, at most RETURN_VELOCITY."""
        lost = self._acceleration * self._reaction
        ahead = np.sqrt(lost**2 + 2 * self._acceleration * np.maximum(distance, 0)) - lost
        back = np.maximum(distance / self._reaction, -RETURN_VELOCITY)
        allowed: Vector = np.where(distance >= 0, np.minimum(ahead, self._velocity), back)
        return allowed

    def _slid(self, tool: Vector, jacobian: Vector, velocity: Vector, low: Vector, high: Vector) -> Vector:
        """Returns `velocity` without the motion through a face of the box: alternating projections, then scaling."""
        room_above = np.maximum(self._box_upper - BOX_CLEARANCE - tool, 0)
        room_below = np.maximum(tool - self._box_lower - BOX_CLEARANCE, 0)
        for _ in range(SWEEPS):
            time = self._reaction + float(np.max(np.abs(velocity) / self._acceleration)) / 2
            speed = jacobian @ velocity
            excess = speed - np.clip(speed, -room_below / time, room_above / time)
            if not np.any(np.abs(excess) > 1e-6):
                return velocity
            velocity = np.clip(velocity - _joint_motion(jacobian[excess != 0], excess[excess != 0]), low, high)
        return velocity * self._share(jacobian, velocity, room_below, room_above)

    def _share(self, jacobian: Vector, velocity: Vector, room_below: Vector, room_above: Vector) -> float:
        """Returns the share of `velocity` at which no face is approached faster than the tool can stop."""
        time = self._reaction + float(np.max(np.abs(velocity) / self._acceleration)) / 2
        speed = jacobian @ velocity
        allowed = np.where(speed > 0, room_above, room_below) / time
        return float(np.min(np.where(np.abs(speed) > allowed, allowed / np.maximum(np.abs(speed), 1e-9), 1.0)))

    def _steered_back(self, q: Vector, way: Vector, jacobian: Vector, low: Vector, high: Vector) -> Vector:
        """Returns a velocity that moves the tool along `way` (3,), by joints that have room, else to the start pose."""
        free = jacobian
        for _ in range(len(q)):
            motion = _joint_motion(free, way)
            motion *= RETURN_VELOCITY / max(float(np.max(np.abs(motion))), 1e-9)
            blocked = (motion < low) | (motion > high)
            if not np.any(blocked & np.any(free != 0, axis=0)):
                break
            free = np.where(blocked, 0.0, free)
        motion = np.clip(motion, low, high)
        if way @ jacobian @ motion < 0.1 * RETURN_VELOCITY * (way @ way):
            direction = np.where(self._actuated, self._start - q, 0.0)
            motion = direction * (RETURN_VELOCITY / max(float(np.max(np.abs(direction))), 1e-9))
        return np.clip(motion, low, high)


def _joint_motion(jacobian: Vector, tool_motion: Vector) -> Vector:
    """Returns the least joint velocity (n,) for `tool_motion` (m,) by `jacobian` (m, n): damped pseudo-inverse."""
    gram = jacobian @ jacobian.T + DAMPING * np.eye(len(jacobian))
    motion: Vector = jacobian.T @ np.linalg.solve(gram, tool_motion)
    return motion
