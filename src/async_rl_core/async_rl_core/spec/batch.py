"""A mini-batch in one flat buffer, which is sent to another process or a GPU in one piece."""

import zlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from async_rl_core.config.schema import Config
from async_rl_core.spec.observation import ObservationSpec

ALIGNMENT = 64
"""Bytes of a cache line; vectorised loads and DMA are fastest from its multiples."""

HEADER_FIELDS = 4


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Batch:
    """B transitions (o, a, r, o') as views into `buffer`. Images are stacked uint8, oldest frame first.

    The views are valid as long as the buffer: that of a received batch until the next `receive`.
    """

    buffer: NDArray[np.uint8]
    """(layout.nbytes,): holds all arrays below."""
    header: NDArray[np.uint64]
    """(4,): number of the batch from 0, environment steps inserted so far, batches sampled with this one, reserved."""
    sampling: NDArray[np.float64]
    """(3,): steady seconds at which its sampling began and ended; 1 if the request had to wait for a step, else 0."""
    observation_images: NDArray[np.uint8]
    """(B, h, w, 3 * stack); (B, 0, 0, 0) without a camera."""
    next_images: NDArray[np.uint8]
    """(B, h, w, 3 * stack)"""
    observation_state: NDArray[np.float32]
    """(B, s)"""
    next_state: NDArray[np.float32]
    """(B, s)"""
    action: NDArray[np.float32]
    """(B, a) in [-1, 1]"""
    reward: NDArray[np.float32]
    """(B,) discounted sum of the n rewards from o to o'."""
    bootstrap: NDArray[np.float32]
    """(B,) factor on the value of o': discount**n, or 0 if o' is terminal."""
    weight: NDArray[np.float32]
    """(B,) importance weight; 1 with uniform sampling."""
    index: NDArray[np.uint64]
    """(B,) numbers of the transitions; 0 is the store's first."""

    @property
    def number(self) -> int:
        """Number of the batch; 0 is the store's first."""
        return int(self.header[0])

    @property
    def env_steps(self) -> int:
        """Environment steps inserted before it was sampled."""
        return int(self.header[1])

    @property
    def is_finite(self) -> bool:
        """Whether every number is finite."""
        vectors = (self.observation_state, self.next_state, self.action)
        numbers = (self.reward, self.bootstrap, self.weight)
        return all(bool(np.isfinite(array).all()) for array in (*vectors, *numbers))


class _Section(NamedTuple):
    name: str
    dtype: type[np.generic]
    shape: tuple[int, ...]
    start: int
    nbytes: int


@dataclass(frozen=True)
class BatchLayout:
    """The place of each array of a mini-batch in its buffer. Both ends build it from one configuration."""

    batch_size: int
    observation: ObservationSpec
    action: int

    @classmethod
    def from_config(cls, config: Config) -> "BatchLayout":
        """Returns the layout of a run's mini-batches."""
        joints = len(config.robot.actuated_joints)
        return cls(config.learning.batch_size, ObservationSpec.from_config(config), joints)

    @property
    def agreement(self) -> str:
        """Returns a short text that is the same on both sides if their layouts are."""
        height, width, channels = self.observation.image_shape
        parts = zlib.crc32(repr(self.observation.parts).encode())
        image, state = f"image={height}x{width}x{channels}", f"state={self.observation.state_size} parts={parts:08x}"
        return f"batch_size={self.batch_size} {image} {state} action={self.action}"

    @cached_property
    def _sections(self) -> tuple[_Section, ...]:
        b, images = self.batch_size, (self.batch_size, *self.observation.image_shape)
        state = b, self.observation.state_size
        arrays: list[tuple[str, type[np.generic], tuple[int, ...]]] = [
            ("header", np.uint64, (HEADER_FIELDS,)),
            ("sampling", np.float64, (3,)),
            ("observation_images", np.uint8, images),
            ("next_images", np.uint8, images),
            ("observation_state", np.float32, state),
            ("next_state", np.float32, state),
            ("action", np.float32, (b, self.action)),
            ("reward", np.float32, (b,)),
            ("bootstrap", np.float32, (b,)),
            ("weight", np.float32, (b,)),
            ("index", np.uint64, (b,)),
        ]
        sections, start = [], 0
        for name, dtype, shape in arrays:
            nbytes = int(np.prod(shape)) * np.dtype(dtype).itemsize
            sections.append(_Section(name, dtype, shape, start, nbytes))
            start += -(-nbytes // ALIGNMENT) * ALIGNMENT
        return tuple(sections)

    @cached_property
    def nbytes(self) -> int:
        """Bytes of the buffer; every array starts at a multiple of `ALIGNMENT`."""
        last = self._sections[-1]
        return last.start + -(-last.nbytes // ALIGNMENT) * ALIGNMENT

    def views(self, buffer: NDArray[np.uint8] | memoryview) -> Batch:
        """Returns the batch in `buffer`, without a copy; it is writable if the buffer is.

        Raises `ValueError` where the buffer is smaller than `nbytes` or does not start on an 8-byte boundary.
        """
        flat: NDArray[np.uint8] = np.frombuffer(buffer, np.uint8)
        if flat.nbytes < self.nbytes:
            raise ValueError(f"a batch of {self.nbytes} bytes does not fit into {flat.nbytes}")
        if flat.ctypes.data % 8:
            raise ValueError("the buffer of a batch must start on an 8-byte boundary")
        flat = flat[: self.nbytes]
        arrays: dict[str, NDArray[Any]] = {
            s.name: flat[s.start : s.start + s.nbytes].view(s.dtype).reshape(s.shape) for s in self._sections
        }
        return Batch(buffer=flat, **arrays)

    def allocate(self) -> Batch:
        """Returns a zeroed, aligned batch in memory of its own."""
        raw = np.zeros(self.nbytes + ALIGNMENT, np.uint8)
        shift = -raw.ctypes.data % ALIGNMENT
        return self.views(raw[shift : shift + self.nbytes])
