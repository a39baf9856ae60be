"""The crop between a camera frame and the image of an observation."""

import math
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from async_rl_core.config.schema import Config
from async_rl_core.errors import ConfigError

CropRange = Literal["paper", "code"]


@dataclass(frozen=True)
class Crop:
    """Cuts `fraction` of the image off each side, rounded to pixels: at the centre to act, at random to learn.

    Yuan (2022), section 3.4: 160x90 becomes 156x88 and 320x180 becomes 314x176 with fraction 0.01.
    Raises `ConfigError` where no pixel would be left.
    """

    image_height: int
    image_width: int
    fraction: float
    range: CropRange = "paper"
    """'paper': random offsets over the whole margin, 0..2m; 'code': over its first half, 0..m, as the authors' code."""
    margin_y: int = field(init=False)
    margin_x: int = field(init=False)

    def __post_init__(self) -> None:
        """Derives the margins; rounds half up, so that every machine gets the same."""
        object.__setattr__(self, "margin_y", math.floor(self.fraction * self.image_height + 0.5))
        object.__setattr__(self, "margin_x", math.floor(self.fraction * self.image_width + 0.5))
        if self.height < 1 or self.width < 1:
            raise ConfigError(
                f"crop_fraction {self.fraction} leaves nothing of a {self.image_width}x{self.image_height} image; "
                "use a smaller fraction"
            )

    @classmethod
    def from_config(cls, config: Config) -> "Crop":
        """Returns the crop of a run's images."""
        return cls(config.camera.height, config.camera.width, config.replay.crop_fraction, config.replay.crop_range)

    @property
    def height(self) -> int:
        """Rows after the crop."""
        return self.image_height - 2 * self.margin_y

    @property
    def width(self) -> int:
        """Columns after the crop."""
        return self.image_width - 2 * self.margin_x

    def center(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Returns a view of the centre of (..., H, W, C)."""
        rows = slice(self.margin_y, self.margin_y + self.height)
        columns = slice(self.margin_x, self.margin_x + self.width)
        return image[..., rows, columns, :]

    def offsets(self, rng: np.random.Generator, count: int) -> NDArray[np.int32]:
        """Returns uniformly random upper left corners (count, 2): row and column, independent, ends included."""
        span = 2 if self.range == "paper" else 1
        high = (span * self.margin_y + 1, span * self.margin_x + 1)
        return rng.integers(0, high, (count, 2), dtype=np.int32)
