"""The reward of the visual tasks: equation 3.1 of Yuan (2022), and the form of its authors' code."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from async_rl_core.config.schema import Config, RewardConfig
from async_rl_core.errors import ConfigError
from async_rl_core.tasks.outcome import Outcome

RED_LOWER = (120, 0, 0)
RED_UPPER = (255, 50, 50)
"""RGB bounds, both inclusive, of the colour that counts as target."""
CODE_CLIP = 4.0
"""Upper bound of the target term in the authors' code."""

Posture = Sequence[tuple[Mapping[int, float], float]]
"""Weights of joint angles by their index, and what the weighted sum should be, in rad."""


def centre_weights(height: int, width: int, form: str) -> NDArray[np.float64]:
    """Returns the weights (height, width) of the pixels by their distance (x, y) from the image centre.

    'paper': `(1 - |2x/w|)(1 - |2y/h|)`, from 1 at the centre to 0 at the edges quadratically, with x and y measured
    to the pixel's middle. 'code': `(1/2 - |x|/w)(1/2 - |y|/h)`, a quarter of it, with x and y counted in whole
    pixels from pixel (h // 2, w // 2).
    """
    if form == "paper":
        x = np.abs(np.arange(width) + 0.5 - width / 2) / width
        y = np.abs(np.arange(height) + 0.5 - height / 2) / height
        return 4.0 * np.outer(0.5 - y, 0.5 - x)
    x = np.abs(np.arange(width) - width // 2) / width
    y = np.abs(np.arange(height) - height // 2) / height
    return np.outer(0.5 - y, 0.5 - x)


class TargetReward:
    """Reward for a large, centred target and for a camera held level and upright.

    `R = (alpha/(hw) sum(M W) - beta sum over terms |w.q - s|) * cycle_time / reference_cycle_time`

    M marks the pixels in the target's colour, W weighs them (`centre_weights`). The posture terms belong to the robot.
    The paper prints, for a UR5, the sums of joints 1..3 and 4..5 and `pi` minus the first; what keeps its camera level
    is what its code does: the lift, elbow and first wrist joint sum to -pi, pan and second wrist joint to 0. In the
    form 'code' the target term is clipped to [0, 4]. The scaling makes returns comparable between action cycle times;
    the code lacks it, and so does a reward without `scale_with_cycle_time`.

    Args:
        config: form, alpha, beta and scaling.
        height, width: of the camera's image, in pixels.
        cycle_time: of the actions, in seconds.
        posture: the terms `(w, s)`.

    Raises:
        ConfigError: the image has no pixels or the cycle time is not positive.
    """

    def __init__(self, config: RewardConfig, height: int, width: int, cycle_time: float, posture: Posture) -> None:
        if height < 1 or width < 1:
            raise ConfigError(f"reward: image of {width}x{height} pixels; both must be at least 1")
        if cycle_time <= 0:
            raise ConfigError(f"reward: action cycle time of {cycle_time} s; it must be positive")
        shape = (height, width, 3)
        self._weights = centre_weights(height, width, config.form) * (config.alpha / (height * width))
        self._clip = CODE_CLIP if config.form == "code" else math.inf
        self._beta = config.beta
        self._scale = cycle_time / config.reference_cycle_time if config.scale_with_cycle_time else 1.0
        self._posture = [(tuple(weights.items()), angle) for weights, angle in posture]
        # Full-size bounds and buffers: each comparison is then one pass over contiguous memory, without allocation.
        self._lower = np.broadcast_to(np.array(RED_LOWER, np.uint8), shape).copy()
        self._span = np.broadcast_to(np.array(RED_UPPER, np.uint8) - np.array(RED_LOWER, np.uint8), shape).copy()
        self._difference = np.empty(shape, np.uint8)
        self._inside = np.empty(shape, np.bool_)
        self._mask = np.empty((height, width), np.bool_)

    @staticmethod
    def largest(config: RewardConfig) -> float:
        """Returns the target term per share of the image that is red, at its very centre."""
        return config.alpha * (0.25 if config.form == "code" else 1.0)

    @classmethod
    def from_config(cls, config: Config) -> "TargetReward":
        """Returns the reward of a run, for its camera, cycle time and robot."""
        camera, index = config.camera, config.robot.joints.index
        posture = [({index(j): weight for j, weight in term.joints.items()}, term.sum) for term in config.robot.posture]
        return cls(config.reward, camera.height, camera.width, config.agent.action_cycle_time, posture)

    def __call__(self, outcome: Outcome) -> tuple[float, float]:
        """Returns the reward, and its target term before the scaling by the cycle time."""
        return self.judge(outcome.image, outcome.joint_position)

    def judge(self, image: NDArray[np.uint8], angles: Sequence[float] | NDArray[np.float64]) -> tuple[float, float]:
        """Returns the reward and its target term.

        Args:
            image: (height, width, 3) RGB, the newest frame.
            angles: (n,) in rad, in the robot's command order.
        """
        target_term = self.target_term(image)
        return self._scale * (target_term - self._beta * self.posture_error(angles)), target_term

    def target_term(self, image: NDArray[np.uint8]) -> float:
        """Returns `alpha/(hw) sum(M W)` of an image (height, width, 3); comparable between cycle times."""
        return min(float(self._weights[self.mask(image)].sum()), self._clip)

    def mask(self, image: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Returns M, the pixels (height, width) in the target's colour; overwritten by the next call."""
        np.subtract(image, self._lower, out=self._difference)  # wraps around below the lower bound, so that
        np.less_equal(self._difference, self._span, out=self._inside)  # one comparison tests both bounds
        np.logical_and(self._inside[..., 0], self._inside[..., 1], out=self._mask)
        return np.logical_and(self._mask, self._inside[..., 2], out=self._mask)

    def posture_error(self, angles: Sequence[float] | NDArray[np.float64]) -> float:
        """Returns `sum over terms |w.q - s|` of the joint angles q (n,), in rad."""
        return sum(abs(sum(w * float(angles[i]) for i, w in weights) - goal) for weights, goal in self._posture)
