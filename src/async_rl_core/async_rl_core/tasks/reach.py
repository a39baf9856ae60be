"""Task reach: the tool at a point in space, from state alone, without a camera (Gu et al., 2017)."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field

from async_rl_core.config.schema import Config
from async_rl_core.config.section import NonNegative, Positive
from async_rl_core.spec.observation import StatePart
from async_rl_core.tasks.outcome import Outcome
from async_rl_core.tasks.task import Reward, SceneView, Task, TaskParameters


class ReachParameters(TaskParameters):
    """Target, reward and end of an episode."""

    cube: Positive = Field(le=1.0, description="edge of the cube, in the middle of the box, that holds the targets; m")
    tolerance: Positive = Field(le=0.5, description="distance from the target that is a success, metres")
    distance_weight: Positive = Field(description="c1, weight of the Huber loss of the distance")
    huber_delta: Positive = Field(description="distance up to which that loss is quadratic, metres")
    action_weight: NonNegative = Field(description="c2, weight of |u|^2")
    reference_cycle_time: Positive = Field(description="action cycle time in seconds at which a reward counts once")
    end_on_success: bool = Field(description="end the episode once the target is reached")


class Reach(Task):
    """The target is elsewhere in each episode; the tool comes as near to it as it can."""

    schema = ReachParameters
    uses_camera = False
    episode_term = "last"

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self._own = ReachParameters.from_config(config)
        box = config.robot.workspace
        self._center = (np.array(box.lower) + np.array(box.upper)) / 2

    def observation_parts(self) -> Sequence[StatePart]:
        """Returns the positions of tool and target, in the workspace frame."""
        return StatePart("tool_position", 3, "m"), StatePart("target_position", 3, "m")

    def simulated_state(self, view: SceneView) -> Mapping[str, ArrayLike]:
        """Returns the position of the simulated tool, and a target that is uniformly random in the cube."""
        target = np.random.default_rng((self.target_seed, view.episode)).uniform(-0.5, 0.5, 3)
        tool = view.position(self.config.robot.tool_frame)
        return {"tool_position": tool, "target_position": self._center + self._own.cube * target}

    def reward(self) -> Reward:
        """Returns `R = -c1 d(y, e) - c2 |u|^2`, in proportion to the action cycle time; d is the Huber loss."""
        own, scale = self._own, self.config.agent.action_cycle_time / self._own.reference_cycle_time

        def judge(outcome: Outcome) -> tuple[float, float]:
            distance = _distance(outcome)
            quadratic = min(distance, own.huber_delta)
            loss = 0.5 * quadratic**2 + own.huber_delta * (distance - quadratic)
            effort = float(np.square(outcome.action, dtype=np.float64).sum())
            return -scale * (own.distance_weight * loss + own.action_weight * effort), -distance

        return judge

    def terminal(self, outcome: Outcome) -> bool:
        """Returns whether the target is reached, where that ends the episode."""
        return self._own.end_on_success and _distance(outcome) <= self._own.tolerance

    @property
    def success(self) -> float:
        """The target term, minus the distance at the episode's end, from which the episode is a success."""
        return -self._own.tolerance

    def problems(self) -> Iterator[tuple[str, str]]:
        """Yields a cube that does not fit into the robot's box."""
        box = self.config.robot.workspace
        room = float(np.min(np.array(box.upper) - np.array(box.lower)))
        if self._own.cube > room:
            yield "parameters.cube", f"{self._own.cube:g} m does not fit the robot's box; at most {room:g} m"


def _distance(outcome: Outcome) -> float:
    offset: NDArray[np.float64] = outcome.state["target_position"] - outcome.state["tool_position"]
    return float(np.linalg.norm(offset))
