"""The simulated arm behind a forward velocity controller, as the robot's driver runs them."""

from collections.abc import Sequence

import numpy as np

from async_rl_core.robots.controller import VelocityController
from async_rl_core.sim.engine import mujoco
from async_rl_core.sim.scene import Array, Scene
from async_rl_core.sim.scene_view import MujocoSceneView


class SimulatedArm:
    """Physics behind a `VelocityController`. Joints are in command order; time is its own and starts at 0.

    Each new velocity is approached with the driver's acceleration (`robot.command_acceleration`). Where there is none
    to follow, the arm comes to rest with `limits.stop_acceleration`. After that, and after a halt of this process, it
    speeds up to the next with `limits.acceleration`.
    """

    def __init__(self, scene: Scene) -> None:
        robot = scene.config.robot
        self._scene = scene
        self._data = mujoco.MjData(scene.model)
        self._timestep = scene.model.opt.timestep
        joints = len(robot.joints)
        self._controller = VelocityController(joints, robot.command_timeout)
        self._follow = np.full(joints, robot.command_acceleration * self._timestep)
        self._speed_up = np.array(robot.limits.acceleration) * self._timestep
        self._halt = np.array(robot.limits.stop_acceleration) * self._timestep
        self.reset(np.array(robot.start))

    def reset(self, position: Array) -> None:
        """Puts the arm at rest at `position` (rad), time 0, controller active, no command yet."""
        mujoco.mj_resetData(self._scene.model, self._data)
        self._data.qpos[self._scene.position_index] = position
        self._setpoint = np.zeros_like(self._halt)
        self._goal = 0.0
        self._controller.deactivate()  # forgets the last command
        self._controller.activate()
        self._read_state()

    @property
    def active(self) -> bool:
        """Whether the controller follows commands."""
        return self._controller.active

    @property
    def dropped(self) -> int:
        """Number of commands that the controller refused."""
        return self._controller.dropped

    @property
    def controller(self) -> VelocityController:
        """The controller that takes the commands; its clock is `time`."""
        return self._controller

    @property
    def time(self) -> float:
        """Seconds simulated since the reset."""
        return float(self._data.time)

    @property
    def position(self) -> Array:
        """Joint angles (joints,), rad. A new array after each step, so it may be kept."""
        return self._position

    @property
    def velocity(self) -> Array:
        """Joint velocities (joints,), rad/s."""
        return self._velocity

    @property
    def effort(self) -> Array:
        """Joint torques of the drives (joints,), N m."""
        return np.asarray(self._data.actuator_force[self._scene.actuator_index])

    @property
    def at_rest(self) -> bool:
        """Whether no joint moves faster than 0.01 rad/s."""
        return bool(np.abs(self._velocity).max() < 0.01)

    def command(self, velocity: Sequence[float] | Array, at: float | None = None) -> bool:
        """Takes a velocity command (rad/s) that arrived `at` this arm's time (default: now); returns False if refused.

        A caller whose physics lags behind its messages passes `at`, so that the lag is not taken for a missing command.
        """
        return self._controller.command(velocity, self.time if at is None else at)

    def view(self, episode: int) -> MujocoSceneView:
        """Returns the scene as it is now, in `episode`."""
        return MujocoSceneView(self._scene, self._data, episode)

    def deactivate(self) -> None:
        """Switches the controller off: the arm comes to rest and stays there."""
        self._controller.deactivate()

    def activate(self) -> None:
        """Switches the controller on; it starts from zero velocity."""
        self._controller.activate()

    def step(self, duration: float) -> None:
        """Advances by `duration` seconds, in whole physics steps; the remainder counts for the next call."""
        self.advance(self._goal + duration)

    def advance(self, time: float) -> int:
        """Advances to `time` (seconds since the reset), to the nearest physics step; returns the number of steps."""
        self._goal = time
        steps: int = max(round((time - self._data.time) / self._timestep), 0)
        left = steps
        while left:
            left -= self._move(left)
        if steps:
            self._read_state()
        return steps

    def _move(self, steps: int) -> int:
        """Does one physics step, or all `steps` if the controller changes nothing meanwhile; returns their number."""
        wanted = self._controller.wanted(self._data.time)
        if wanted is not None:
            change = wanted - self._setpoint
            limit = self._resumption(wanted, change) if self._controller.resuming else self._follow
            expires_on_the_way = self._data.time + steps * self._timestep > self._controller.expires
        else:
            change, limit, expires_on_the_way = -self._setpoint, self._halt, False
        settled = not (change.any() or expires_on_the_way)
        if not settled:
            self._setpoint += np.minimum(np.maximum(change, -limit), limit)
            steps = 1
        self._data.ctrl[self._scene.actuator_index] = self._setpoint
        mujoco.mj_step(self._scene.model, self._data, nstep=steps)
        return steps

    def _resumption(self, wanted: Array, change: Array) -> Array:
        """Returns the limits of the next change (joints,) on the way to a velocity that came after a gap."""
        limit = np.where(change * wanted > 0.0, np.minimum(self._speed_up, self._follow), self._follow)
        if (np.abs(change) <= limit).all():
            self._controller.resumed()
        return limit

    def _read_state(self) -> None:
        self._position: Array = self._data.qpos[self._scene.position_index]
        self._velocity: Array = self._data.qvel[self._scene.velocity_index]
        self._position.setflags(write=False)
        self._velocity.setflags(write=False)
