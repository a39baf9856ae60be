"""The loop over pixels: gathers frames, crops them, and interleaves them into a stacked NHWC mini-batch.

Three frames of 3-byte pixels make 9 bytes of output per pixel, 18 memory operations if done byte by byte. Here a block
of 5 pixels, or of 21, is one vector load per frame, six shuffles and three stores, which is nearly as fast as memcpy of
the output.
"""

from typing import Any

import numpy as np
from llvmlite import binding, ir
from numba import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from async_rl_core.compiled import compile_at_import


@intrinsic  # type: ignore[untyped-decorator]
def _copy_pixel(typing_context: Any, ring: Any, start: Any, out: Any, to: Any) -> Any:
    """Copies three bytes from `ring` to `out`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = ir.IntType(24).as_pointer()
        source, target = (context.make_array(t)(context, builder, arguments[i]).data for t, i in ((ring, 0), (out, 2)))
        pixel = builder.load(builder.bitcast(builder.gep(source, [arguments[1]]), pointer), align=1)
        builder.store(pixel, builder.bitcast(builder.gep(target, [arguments[3]]), pointer), align=1)
        return context.get_dummy_value()

    return types.void(ring, types.int64, out, types.int64), generate


_LANES = 64 if binding.get_host_cpu_features().get("avx512vbmi", False) else 16
"""Bytes of the widest vector of which the processor shuffles two in one instruction."""
_PIXELS = _LANES // 3
"""Pixels of a block."""
_INDEX = ir.IntType(32)


def _masks(start: int) -> tuple[list[int], list[int]]:
    """Returns two shuffle masks for the output from byte `start` on: of frames 1 and 2, then of these and frame 3."""
    first, second = list(range(_LANES)), list(range(_LANES))
    for lane in range(_LANES):
        pixel, channel = divmod(start + lane, 9)
        if pixel == _PIXELS:
            break  # the next block overwrites the last three bytes
        frame, colour = divmod(channel, 3)
        if frame < 2:
            first[lane] = frame * _LANES + 3 * pixel + colour
        else:
            second[lane] = _LANES + 3 * pixel + colour
    return first, second


@intrinsic  # type: ignore[untyped-decorator]
def _block(typing_context: Any, ring: Any, old: Any, mid: Any, new: Any, out: Any, to: Any) -> Any:
    """Interleaves a block of pixels at three offsets of `ring` into `out`.

    Reads one byte more at each offset and writes three more: another pixel must follow in the row.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = ir.VectorType(ir.IntType(8), _LANES).as_pointer()
        source, target = (context.make_array(t)(context, builder, arguments[i]).data for t, i in ((ring, 0), (out, 4)))
        frames = [
            builder.load(builder.bitcast(builder.gep(source, [offset]), pointer), align=1) for offset in arguments[1:4]
        ]
        for start in range(0, 3 * _LANES, _LANES):
            first, second = (ir.Constant(ir.VectorType(_INDEX, _LANES), mask) for mask in _masks(start))
            pixels = builder.shuffle_vector(builder.shuffle_vector(frames[0], frames[1], first), frames[2], second)
            at = builder.gep(target, [builder.add(arguments[5], ir.Constant(ir.IntType(64), start))])
            builder.store(pixels, builder.bitcast(at, pointer), align=1)
        return context.get_dummy_value()

    return types.void(ring, *[types.int64] * 3, out, types.int64), generate


_BYTES = types.Array(types.uint8, 1, "C")
_SLOTS, _OFFSETS = types.Array(types.int64, 2, "C"), types.Array(types.int32, 2, "C")
_SIGNATURE = types.void(_BYTES, _SLOTS, _OFFSETS, *[types.int64] * 4, _BYTES)


@compile_at_import(_SIGNATURE)
def _interleave_three(ring, slots, offsets, image_height, image_width, height, width, out):  # type: ignore[no-untyped-def]
    frame, row, to = image_height * image_width * 3, image_width * 3, 0
    last = (width - 1 - _PIXELS) * 3
    for b in range(slots.shape[0]):
        corner = offsets[b, 0] * row + offsets[b, 1] * 3
        for y in range(height):
            start = corner + y * row
            old, mid, new = slots[b, 0] * frame + start, slots[b, 1] * frame + start, slots[b, 2] * frame + start
            x = 0
            while True:
                _block(ring, old + x, mid + x, new + x, out, to + 3 * x)
                if x == last:
                    break
                x = min(x + 3 * _PIXELS, last)  # the last block overlaps the one before it
            x, to = 3 * (width - 1), to + 9 * width
            _copy_pixel(ring, old + x, out, to - 9)
            _copy_pixel(ring, mid + x, out, to - 6)
            _copy_pixel(ring, new + x, out, to - 3)


@compile_at_import(_SIGNATURE)
def _interleave(ring, slots, offsets, image_height, image_width, height, width, out):  # type: ignore[no-untyped-def]
    frame, row, stack, to = image_height * image_width * 3, image_width * 3, slots.shape[1], 0
    for b in range(slots.shape[0]):
        corner = offsets[b, 0] * row + offsets[b, 1] * 3
        for y in range(height):
            start = corner + y * row
            for x in range(0, width * 3, 3):
                for s in range(stack):
                    _copy_pixel(ring, slots[b, s] * frame + start + x, out, to)
                    to += 3


def gather(
    ring: NDArray[np.uint8],
    slots: NDArray[np.int64],
    offsets: NDArray[np.int32],
    image_height: int,
    image_width: int,
    out: NDArray[np.uint8],
) -> None:
    """Fills `out` (B, h, w, 3 * stack) with the cropped stacks of the frames `slots` (B, stack), oldest first.

    `ring` is flat: frames of image_height * image_width * 3 bytes. `offsets` (B, 2) are the upper left corners of the
    crops. Releases the GIL. Raises `ValueError` where a crop or a frame lies outside the ring.
    """
    batch, height, width, channels = out.shape
    corner = offsets.max(axis=0, initial=0)
    if slots.shape != (batch, channels // 3) or offsets.shape != (batch, 2) or offsets.min(initial=0) < 0:
        raise ValueError(f"slots {slots.shape} and offsets {offsets.shape} do not fit a batch of shape {out.shape}")
    if corner[0] + height > image_height or corner[1] + width > image_width:
        raise ValueError(f"a crop of {width}x{height} at {corner[::-1]} leaves the {image_width}x{image_height} image")
    frames = ring.size // (image_height * image_width * 3)
    if slots.min(initial=0) < 0 or slots.max(initial=0) >= frames:
        raise ValueError(f"slots outside of a ring of {frames} frames")
    interleave = _interleave_three if channels == 9 and width > _PIXELS else _interleave
    interleave(ring, slots, offsets, image_height, image_width, height, width, out.reshape(-1))
