"""The mask of the pixels that show the red bag."""

from typing import Annotated, Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from async_rl_core.config.section import Section

Mask = NDArray[np.bool_]
Bytes = NDArray[np.uint8]
Hue = Annotated[int, Field(ge=0, le=179)]
Level = Annotated[int, Field(ge=0, le=255)]

CORE = 0.55
"""Share of a patch that must be of the bag's colour beyond doubt. In photographs red cloth has 0.75 and more; lips,
skin in shadow and brown wood have 0.5 at most."""
LEAST = 5e-4
"""Share of the image that a patch must cover: what is smaller is noise."""
BLOB = 4e-3
"""Share of the image that a blob beyond doubt must cover where its patch has too little of the core."""
_SIDE = 32
"""Of a square that has to fit into such a blob: this part of the image's width. Speckles and stripes are thinner."""
_KERNEL = np.ones((3, 3), np.uint8)
_HUES = 180


class Colours(Section):
    """A range of colours in OpenCV's HSV."""

    hue: tuple[Hue, Hue] = Field(description="first and last, 0 to 179; red lies on both sides of 0")
    saturation: Level = Field(description="at least")
    value: Level = Field(description="at least")


class MaskConfig(Section):
    """Colours that count as bag."""

    core: Colours = Field(description="beyond doubt")
    also: tuple[Colours, ...] = Field(default=(), description="beyond doubt too, where there is an edge")
    edge: Colours | None = Field(
        description="in a patch with enough of the core's, where light and shadow change it; null: none (paper)"
    )
    closing: int = Field(ge=0, le=20, description="times that gaps are closed with a 3x3 kernel (code: 5)")


class ColourMask:
    """Thresholds in HSV, with hysteresis.

    A single threshold that still takes the bag's shadows and highlights takes skin and brown wood as well; one that
    leaves those out leaves half of the bag out. So pale, dark and brownish reds count only in a patch that has enough
    of the bag's own red. Of a patch that has too little, since the bag touches something of nearly its colour, there
    remain the blobs of that red.
    """

    def __init__(self, config: MaskConfig) -> None:
        self._core = [_Threshold(colours) for colours in (config.core, *config.also)]
        self._edge = None if config.edge is None else _Threshold(config.edge)
        self._closing = config.closing

    def __call__(self, image: Bytes) -> Mask:
        """Returns the mask (height, width) of an image (height, width, 3), RGB."""
        if self._edge is None:
            found = self._core[0](_hsv(image))
        else:
            hsv = _hsv(cv2.medianBlur(image, 3))  # a dark pixel's hue is mostly noise
            core = np.bitwise_or.reduce([within(hsv) for within in self._core])
            found = _patches(self._edge(hsv), core)
        if self._closing:
            found = np.asarray(cv2.morphologyEx(found, cv2.MORPH_CLOSE, _KERNEL, iterations=self._closing), np.uint8)
        mask: Mask = found > 0
        return mask


def _hsv(image: NDArray[Any]) -> Bytes:
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2HSV), np.uint8)


class _Threshold:
    def __init__(self, colours: Colours) -> None:
        first, last = colours.hue
        hues = np.arange(256)
        red = (hues >= first) & (hues <= last) if first <= last else (hues >= first) | (hues <= last)
        self._hue = np.where(red & (hues < _HUES), 255, 0).astype(np.uint8)
        self._least = (0, colours.saturation, colours.value)

    def __call__(self, hsv: Bytes) -> Bytes:
        """Returns 255 where a pixel is in range, else 0: (height, width)."""
        within = np.asarray(cv2.inRange(hsv, self._least, (255, 255, 255)), np.uint8)
        return within & self._hue[hsv[:, :, 0]]


def _patches(edge: Bytes, core: Bytes) -> Bytes:
    """Returns the connected patches of both, without tiny ones; of patches with too little core, only its blobs."""
    count, patches = cv2.connectedComponents(edge | core)
    size = np.bincount(patches.ravel(), minlength=count)
    sure = np.bincount(patches[core > 0], minlength=count)
    kept = (sure >= CORE * size) & (size >= LEAST * edge.size)
    kept[0] = False  # the background
    whole = np.where(kept[patches], np.uint8(255), np.uint8(0))
    rest = _blobs(core & ~whole) & (edge | core)
    return np.asarray(whole | rest, np.uint8)


def _blobs(core: Bytes) -> Bytes:
    """Returns the large and compact areas of the core, with a margin of one pixel."""
    side = core.shape[1] // _SIDE | 1
    closed = cv2.morphologyEx(core, cv2.MORPH_CLOSE, _KERNEL)
    solid = cv2.morphologyEx(closed, cv2.MORPH_OPEN, np.ones((side, side), np.uint8))
    count, blobs = cv2.connectedComponents(solid)
    kept = np.bincount(blobs.ravel(), minlength=count) >= BLOB * core.size
    kept[0] = False
    return np.asarray(cv2.dilate(np.where(kept[blobs], np.uint8(255), np.uint8(0)), _KERNEL), np.uint8)
