"""The one loop over pixels: gather frames, crop them, interleave them into a stacked NHWC mini-batch.

Three frames of 3-byte pixels make 9 bytes of output per pixel. Byte by byte that is 18 memory operations; here
each pixel is one 4-byte load per frame and an 8-byte and a 1-byte store.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numpy.typing import NDArray

LOAD_MARGIN = 1
"""Bytes that must exist behind the last frame of a ring: its last pixel is read as 4 bytes."""


def _cache_folder() -> Path | None:
    """Where compiled kernels are kept, so that packages may be installed read-only; None where none can be had."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = base / "async_rl" / "numba"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        return None
    return folder if os.access(folder, os.W_OK) else None


def _compile(signature: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Compile at import, once per machine: the first mini-batch must not wait for a compiler."""
    chosen = bool(numba.config.CACHE_DIR)  # NUMBA_CACHE_DIR
    if not chosen and (folder := _cache_folder()) is not None:
        numba.config.CACHE_DIR, chosen = str(folder), True
    decorate: Callable[[Callable[..., None]], Callable[..., None]] = numba.njit(
        signature, cache=chosen, nogil=True, boundscheck=False, error_model="numpy"
    )
    return decorate


def _loader(bits: int) -> Any:
    def load(typing_context: Any, array: Any, offset: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            data = context.make_array(array)(context, builder, arguments[0]).data
            at = builder.bitcast(builder.gep(data, [arguments[1]]), ir.IntType(bits).as_pointer())
            return builder.load(at, align=1)

        return types.Integer.from_bitwidth(bits, signed=False)(array, types.int64), generate

    return intrinsic(load)


def _storer(bits: int) -> Any:
    def store(typing_context: Any, array: Any, offset: Any, value: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            data = context.make_array(array)(context, builder, arguments[0]).data
            at = builder.bitcast(builder.gep(data, [arguments[1]]), ir.IntType(bits).as_pointer())
            builder.store(arguments[2], at, align=1)
            return context.get_dummy_value()

        return types.void(array, types.int64, types.Integer.from_bitwidth(bits, signed=False)), generate

    return intrinsic(store)


_load32 = _loader(32)
_store8, _store16, _store64 = _storer(8), _storer(16), _storer(64)

_BYTES = types.Array(types.uint8, 1, "C")
_SIGNATURE = types.void(
    _BYTES, types.Array(types.int64, 2, "C"), types.Array(types.int32, 2, "C"), types.int64, types.int64, types.int64,
    types.int64, _BYTES,
)  # fmt: skip


@_compile(_SIGNATURE)
def _interleave_three(ring, slots, offsets, image_height, image_width, height, width, out):  # type: ignore[no-untyped-def]
    frame, row, to = image_height * image_width * 3, image_width * 3, 0
    for b in range(slots.shape[0]):
        corner = offsets[b, 0] * row + offsets[b, 1] * 3
        for y in range(height):
            start = corner + y * row
            old, mid, new = slots[b, 0] * frame + start, slots[b, 1] * frame + start, slots[b, 2] * frame + start
            for x in range(0, width * 3, 3):
                first = np.uint64(_load32(ring, old + x)) & np.uint64(0xFFFFFF)
                second = np.uint64(_load32(ring, mid + x)) & np.uint64(0xFFFFFF)
                third = np.uint64(_load32(ring, new + x))
                _store64(out, to, first | second << np.uint64(24) | third << np.uint64(48))
                _store8(out, to + 8, np.uint8((third >> np.uint64(16)) & np.uint64(0xFF)))
                to += 9


@_compile(_SIGNATURE)
def _interleave(ring, slots, offsets, image_height, image_width, height, width, out):  # type: ignore[no-untyped-def]
    frame, row, stack, to = image_height * image_width * 3, image_width * 3, slots.shape[1], 0
    for b in range(slots.shape[0]):
        corner = offsets[b, 0] * row + offsets[b, 1] * 3
        for y in range(height):
            start = corner + y * row
            for x in range(0, width * 3, 3):
                for s in range(stack):
                    pixel = _load32(ring, slots[b, s] * frame + start + x)
                    _store16(out, to, np.uint16(pixel & np.uint32(0xFFFF)))
                    _store8(out, to + 2, np.uint8((pixel >> np.uint32(16)) & np.uint32(0xFF)))
                    to += 3


def gather(
    ring: NDArray[np.uint8],
    slots: NDArray[np.int64],
    offsets: NDArray[np.int32],
    image_height: int,
    image_width: int,
    out: NDArray[np.uint8],
) -> None:
    """Fill `out` (B, h, w, 3 * stack) with the cropped stacks of the frames `slots` (B, stack), oldest first.

    `ring` is flat: frames of image_height * image_width * 3 bytes, and `LOAD_MARGIN` more. `offsets` (B, 2) are the
    crops' upper left corners. Releases the GIL. Raises `ValueError` where a crop or a frame lies outside the ring: the
    loop itself checks nothing.
    """
    batch, height, width, channels = out.shape
    corner = offsets.max(axis=0, initial=0)
    if slots.shape != (batch, channels // 3) or offsets.shape != (batch, 2) or offsets.min(initial=0) < 0:
        raise ValueError(f"slots {slots.shape} and offsets {offsets.shape} do not fit a batch of shape {out.shape}")
    if corner[0] + height > image_height or corner[1] + width > image_width:
        raise ValueError(f"a crop of {width}x{height} at {corner[::-1]} leaves the {image_width}x{image_height} image")
    frames = (ring.size - LOAD_MARGIN) // (image_height * image_width * 3)
    if slots.min(initial=0) < 0 or slots.max(initial=0) >= frames:
        raise ValueError(f"slots outside of a ring of {frames} frames")
    interleave = _interleave_three if channels == 9 else _interleave
    interleave(ring, slots, offsets, image_height, image_width, height, width, out.reshape(-1))
