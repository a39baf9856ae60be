"""Task visual_reacher: a red bean bag on the table (Parsaee et al., 2023)."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from async_rl_core.config.schema import Config, TargetSurface
from async_rl_core.config.section import NonNegative, Positive
from async_rl_core.tasks.mask import ColourMask, MaskConfig
from async_rl_core.tasks.outcome import Outcome
from async_rl_core.tasks.reaching import ReachingTarget
from async_rl_core.tasks.target import Picture, Target
from async_rl_core.tasks.task import Pose, Task, TaskParameters


class BagParameters(TaskParameters):
    """Colours that count as bag, and the reward for them."""

    alpha: Positive = Field(description="reward per millisecond of an image that is nothing but bag")
    bag_radius: Positive = Field(le=0.2, description="of the simulated bag, metres")
    detour: NonNegative = Field(
        le=0.5, description="rad by which joint 1 of a real arm turns aside in a reset, at most"
    )
    mask: MaskConfig


class BagReward:
    """`R = alpha * dt * mean(M)`: M marks the bag's pixels, dt is the action cycle time in ms.

    The target term is mean(M) in percent.
    """

    def __init__(self, parameters: BagParameters, cycle_time: float) -> None:
        self.mask = ColourMask(parameters.mask)
        self._scale = parameters.alpha * 1e3 * cycle_time

    def __call__(self, outcome: Outcome) -> tuple[float, float]:
        """Returns the reward and its target term."""
        return self.judge(outcome.image)

    def judge(self, image: NDArray[np.uint8]) -> tuple[float, float]:
        """Returns the reward and its target term for an image (height, width, 3), RGB."""
        share = float(self.mask(image).mean())
        return self._scale * share, 100.0 * share


class VisualReacher(Task):
    """The bag lies elsewhere in each episode; the larger it is in the image, the better."""

    schema = BagParameters
    shows = "bag"

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self._parameters = BagParameters.from_config(config)

    def reward(self) -> BagReward:
        """Returns equation 3 of the paper."""
        return BagReward(self._parameters, self.config.agent.action_cycle_time)

    def target(self, seed: int) -> Target:
        """Returns the simulated bag: uniformly random on the table, still."""
        return ReachingTarget(self.picture, seed)

    def reset_waypoints(self, episode: int) -> Sequence[Pose]:
        """Returns a detour to a random side, on which a real arm pulls the bag by a thread."""
        if self.config.hardware == "sim":
            return ()
        pan, *others = self.config.robot.start
        turn = np.random.default_rng((self.config.seed, episode)).uniform(-1.0, 1.0) * self._parameters.detour
        return ((pan + turn, *others),)

    @property
    def picture(self) -> Picture:
        """The part of the table where the bag may lie, in metres."""
        return Picture(*self.surface.size, self._parameters.bag_radius)

    @property
    def surface(self) -> TargetSurface:
        """The part of the table where the bag may lie."""
        area = self.config.robot.bag_area
        assert area is not None  # or the task is refused
        return area

    @property
    def success(self) -> float:
        """`evaluation.success_coverage` in percent."""
        return 100.0 * super().success

    def problems(self) -> Iterator[tuple[str, str]]:
        """Yields the reasons why a robot or display cannot be used."""
        robot = self.config.robot
        if self.config.display:
            yield "display", "'visual_reacher' shows nothing on a screen; leave it out"
        if robot.bag_area is None:
            yield (
                "task",
                f"'visual_reacher' needs a camera over a table, and robot '{robot.name}' has no bag_area; "
                "take robot:=panda or fr3, or give that robot's file one",
            )
        elif 2 * self._parameters.bag_radius >= min(robot.bag_area.size):
            size = "{:g} x {:g} m".format(*robot.bag_area.size)
            yield "parameters.bag_radius", f"{self._parameters.bag_radius:g} m does not fit a bag_area of {size}"
