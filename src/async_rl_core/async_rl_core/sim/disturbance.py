"""Disturbances of real sensors, off by default: noise on images and joint angles, delay of images."""

from collections import deque
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from async_rl_core.config.schema import SimConfig
from async_rl_core.sim.scene import Array

Image = NDArray[np.uint8]
T = TypeVar("T")


class SensorNoise:
    """Gaussian noise, the same for the same seed."""

    def __init__(self, config: SimConfig, seed: int) -> None:
        self._image_deviation = config.image_noise
        self._joint_deviation = config.joint_noise
        # Two streams: the images' noise must not depend on how many joint states came between them.
        self._image_random, self._joint_random = (
            np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(2)
        )

    def image(self, image: Image) -> Image:
        """Returns the image (h, w, 3) with noise of `image_noise` grey levels of standard deviation on every value."""
        if not self._image_deviation:
            return image
        noise = self._image_random.standard_normal(image.shape, np.float32) * self._image_deviation
        return np.clip(np.rint(image + noise), 0, 255).astype(np.uint8)

    def position(self, position: Array) -> Array:
        """Returns joint angles (joints,) with noise of `joint_noise` rad of standard deviation on each."""
        if not self._joint_deviation:
            return position
        return position + self._joint_deviation * self._joint_random.standard_normal(position.shape)


class DelayLine(Generic[T]):
    """Holds each item back for a fixed time."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._waiting: deque[tuple[float, T]] = deque()

    def push(self, item: T, now: float) -> None:
        """Takes an item at time `now`, in seconds."""
        self._waiting.append((now + self.seconds, item))

    def due(self, now: float) -> list[T]:
        """Returns and removes the items that are due, oldest first."""
        items = []
        while self._waiting and self._waiting[0][0] <= now:
            items.append(self._waiting.popleft()[1])
        return items

    @property
    def next_due(self) -> float | None:
        """Time at which the oldest item is due; None if there is none."""
        return self._waiting[0][0] if self._waiting else None
