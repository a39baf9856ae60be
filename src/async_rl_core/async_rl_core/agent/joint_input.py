"""Input of joint states, with the reason why one cannot be used."""

from collections.abc import Sequence

import numpy as np

from async_rl_core.agent.observation import JointState

SHOWN = 16
"""Maximum number of names in a line."""


class JointInput:
    """Reads angles and velocities of the joints, in command order, from messages of any order.

    A message that names none of the joints, such as a gripper's, is ignored.

    Attributes:
        problem: reason why the newest message about the joints cannot be used, in one line; empty where it can.
    """

    def __init__(self, topic: str, joints: Sequence[str]) -> None:
        self.problem = ""
        self._topic, self._joints = topic, list(joints)
        self._stamp: int | None = None

    def read(
        self, received: float, stamp: int, names: Sequence[str], position: Sequence[float], velocity: Sequence[float]
    ) -> JointState | None:
        """Returns the joints' state if the message can be used. `received` is in seconds, `stamp` in nanoseconds."""
        index = {name: i for i, name in enumerate(names)}
        if not any(joint in index for joint in self._joints):
            return None
        self.problem = self._problem(index, stamp, names, position, velocity)
        self._stamp = stamp
        if self.problem:
            return None
        order = [index[joint] for joint in self._joints]
        angles, rates = (np.array(values, dtype=np.float64)[order] for values in (position, velocity))
        return JointState(angles, rates, received)

    def _problem(
        self,
        index: dict[str, int],
        stamp: int,
        names: Sequence[str],
        position: Sequence[float],
        velocity: Sequence[float],
    ) -> str:
        topic = self._topic
        if missing := [joint for joint in self._joints if joint not in index]:
            return f"{topic} lacks {missing}; it has {list(names)[:SHOWN]}"
        if len(position) != len(names):
            return f"{topic} has {len(position)} positions for {len(names)} names"
        if len(velocity) == 0:
            return f"{topic} has no velocities, which the agent observes; let the robot's driver publish them"
        if len(velocity) != len(names):
            return f"{topic} has {len(velocity)} velocities for {len(names)} names"
        for what, values in (("position", position), ("velocity", velocity)):
            wrong = {joint: values[index[joint]] for joint in self._joints if not np.isfinite(values[index[joint]])}
            if wrong:
                return f"{topic} has a {what} that is not finite: {wrong}"
        if stamp == self._stamp:
            return f"{topic} repeats its stamp {stamp}; let the robot's driver stamp each state"
        return ""
