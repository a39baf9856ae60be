"""Settings of the networks that several algorithms have."""

from collections.abc import Iterator, Sequence
from typing import Annotated

from pydantic import Field

from async_rl_core.algorithms.base import AlgorithmConfig
from async_rl_core.config.schema import Config
from async_rl_core.config.section import Count
from async_rl_core.spec.crop import Crop
from async_rl_core.spec.observation import ObservationSpec

KERNEL = 3
"""Side of every convolution's kernel."""
_SMALLEST_MAP = 2  # a spatial softmax over a single row or column has nothing to point at


def map_size(size: int, strides: Sequence[int]) -> int:
    """Returns how many pixels are left of `size` after unpadded 3x3 convolutions of these strides."""
    for stride in strides:
        size = (size - KERNEL) // stride + 1
    return size


class NetworkConfig(AlgorithmConfig):
    """An encoder of images, and MLPs on its features and the state."""

    encoder_channels: Count
    encoder_strides: tuple[Annotated[int, Field(ge=1, le=4)], ...] = Field(min_length=1, max_length=8)
    hidden_sizes: tuple[Count, ...] = Field(min_length=1, max_length=4)
    layer_norm: bool = Field(description="layer normalisation in the critic's and actor's MLP (off in the papers)")

    def problems(self, config: Config) -> Iterator[tuple[str, str]]:
        """Yields the camera's sides that are too small for the encoder."""
        image = ObservationSpec.from_config(config).image
        if image is None:
            return
        for key, size, cropped in (
            ("camera.width", config.camera.width, image.width),
            ("camera.height", config.camera.height, image.height),
        ):
            if map_size(cropped, self.encoder_strides) < _SMALLEST_MAP:
                least = self._least_pixels(config.replay.crop_fraction)
                yield key, f"{size} pixels leave nothing of the image after the encoder; at least {least} are needed"

    def _least_pixels(self, crop_fraction: float) -> int:
        size = 10  # the largest crop leaves something of it
        while map_size(Crop(size, size, crop_fraction).width, self.encoder_strides) < _SMALLEST_MAP:
            size += 1
        return size
