"""One mini-batch as one flat buffer, so that it crosses to another process, or to a GPU, in one piece."""

import zlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from async_rl_core.config.schema import Config
from async_rl_core.spec.observation import ObservationSpec

ALIGNMENT = 64
"""Bytes: a cache line, and what vectorised loads and DMA like."""

HEADER_FIELDS = 4


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Batch:
    """B transitions (o, a, r, o'), as views into `buffer`. Images are stacked uint8, oldest frame first.

    The views live as long as the buffer: one that came from `BatchClient` is valid until its next `receive`.
    """

    buffer: NDArray[np.uint8]
    """(layout.nbytes,): everything below, in one piece."""
    header: NDArray[np.uint64]
    """(4,): number of the batch from 0, environment steps inserted so far, batches sampled with this one, reserved."""
    sampling: NDArray[np.float64]
    """(3,): steady seconds at which its sampling began and ended; 1 where no step allowed it when it was asked for."""
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
    """(B,) sum of the n rewards from o to o', discounted."""
    bootstrap: NDArray[np.float32]
    """(B,) the factor on the value of o': discount**n, or 0 where no return follows o'."""
    weight: NDArray[np.float32]
    """(B,) importance weight; 1 with uniform sampling."""
    index: NDArray[np.uint64]
    """(B,) numbers of the transitions, counted from the store's first."""

    @property
    def number(self) -> int:
        """Counts the batches of one store from 0."""
        return int(self.header[0])

    @property
    def env_steps(self) -> int:
        """Environment steps inserted when it was sampled."""
        return int(self.header[1])

    @property
    def is_finite(self) -> bool:
        """Whether every number that is learned from is finite."""
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
    """Where each array of a mini-batch lies in its buffer. Both sides build it from one configuration."""

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
        """Bytes of the buffer: every section starts at a multiple of `ALIGNMENT`."""
        last = self._sections[-1]
        return last.start + -(-last.nbytes // ALIGNMENT) * ALIGNMENT

    def views(self, buffer: NDArray[np.uint8] | memoryview) -> Batch:
        """The batch that lies in `buffer`, without a copy; writable if the buffer is.

        Raises `ValueError` where the buffer is smaller than `nbytes` or starts off an 8-byte boundary.
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
        """A batch in memory of its own, zeroed, aligned: for the one-process architecture and for tests."""
        raw = np.zeros(self.nbytes + ALIGNMENT, np.uint8)
        shift = -raw.ctypes.data % ALIGNMENT
        return self.views(raw[shift : shift + self.nbytes])
