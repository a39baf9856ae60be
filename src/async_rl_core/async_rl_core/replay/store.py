"""Experience, with every camera frame stored once."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from async_rl_core.config.schema import Config
from async_rl_core.replay import storage
from async_rl_core.replay.kernels import gather
from async_rl_core.replay.returns import NStepReturn
from async_rl_core.replay.sampler import Sampler
from async_rl_core.spec.batch import Batch
from async_rl_core.spec.crop import Crop
from async_rl_core.spec.sizes import StoreSizes
from async_rl_core.spec.step import Step


@dataclass(frozen=True, slots=True)
class _Tail:
    """The newest record, which the next one continues or not."""

    sequence: int
    episode: int
    index: int
    complete: bool
    """Whether every frame of its stack is known."""
    first_frame: int
    """The first frame of its episode, or after a gap."""
    complete_from: int
    """The first frame with which a stack is complete."""


class FrameStore:
    """Three rings: frames, records (one per step), and transitions (pairs of consecutive records of one episode).

    Memory is touched as it fills. Everything is numbered from 0 and never renumbered; a ring's slot is the number
    modulo its size. A transition is forgotten with the oldest of the frames, records or transitions that it needs.
    One thread inserts and samples; while it samples, a second one gathers the other half of the images.

    Stacks hold the last `stack` camera frames of the episode; the first frame stands in for those before it. Across
    a gap (a lost step) nothing pairs, and no stack is built until enough frames have come after it.
    Raises `ConfigError` with the numbers where there is no room.
    """

    def __init__(self, sizes: StoreSizes, returns: NStepReturn, allocate: storage.Allocate = storage.in_memory) -> None:
        step, self.capacity, self._stack = sizes.step, sizes.capacity, sizes.stack
        self._returns = returns
        self._frame_slots = sizes.frames
        self._record_slots = records = sizes.records
        self._ring = allocate(
            self._frame_slots * step.frame_bytes, f"replay.capacity {self.capacity} at {step.width}x{step.height}"
        )
        self._frames = self._ring.reshape(-1, step.height, step.width, 3)
        self._state = np.empty((records, step.state), np.float32)
        self._action = np.empty((records, step.action), np.float32)
        self._reward = np.empty(records, np.float32)
        self._terminal = np.empty(records, np.bool_)
        self._newest_frame = np.empty(records, np.int64)
        self._first_frame = np.empty(records, np.int64)
        self._episode_start = np.empty(records, np.int64)
        self._transitions = np.empty(self.capacity, np.int64)
        self._next_frame = self._next_record = self._first_transition = self._next_transition = 0
        self._tail: _Tail | None = None
        self.env_steps = 0
        """Steps with an action inserted, whether or not they made a transition."""
        self.lost_steps = 0
        """Steps that the gaps in `sequence` stand for."""
        self.batches = 0
        """Mini-batches sampled."""
        self._helper = ThreadPoolExecutor(1, "gather")  # one thread alone does not fill the memory's bandwidth

    @classmethod
    def from_config(cls, config: Config) -> "FrameStore":
        """Returns the store of a run."""
        returns = NStepReturn(config.learning.discount, config.replay.n_step)
        return cls(StoreSizes.from_config(config), returns, storage.from_config(config))

    def __len__(self) -> int:
        """Transitions that can be sampled."""
        return self._next_transition - self._first_transition

    @property
    def nbytes(self) -> int:
        """Bytes of memory once full."""
        records = (self._state, self._action, self._reward, self._terminal)
        numbers = (self._newest_frame, self._first_frame, self._episode_start, self._transitions)
        return self._ring.nbytes + sum(array.nbytes for array in (*records, *numbers))

    @property
    def nbytes_used(self) -> int:
        """Bytes of `nbytes` that hold something."""
        share = min(1.0, self._next_frame / self._frame_slots)
        return round(share * self.nbytes)

    @property
    def newest(self) -> int:
        """Sequence number of the newest step; -1 where there is none."""
        return -1 if self._tail is None else self._tail.sequence

    @property
    def needed_from(self) -> int:
        """Sequence number from which on steps make this store again: that of the oldest stored episode's start."""
        if len(self) == 0:
            return 0 if self._tail is None else self._tail.sequence - self._tail.index
        oldest = int(self._transitions[self._first_transition % self.capacity]) - 1
        return int(self._episode_start[oldest % self._record_slots])

    def insert(self, step: Step, transition: bool = True) -> None:
        """Store a step newer than `newest`; it is copied. Without `transition`, only what others need of it.

        Raises `ValueError` where its shapes are not the store's, or a newer one is here already.
        """
        self._check(step)
        tail = self._tail
        continues = (
            tail is not None
            and step.index > 0
            and (step.sequence, step.episode, step.index) == (tail.sequence + 1, tail.episode, tail.index + 1)
        )
        if tail is not None and continues:
            first_frame, complete_from = tail.first_frame, tail.complete_from
        else:
            first_frame = self._next_frame
            complete_from = first_frame if step.index == 0 else first_frame + self._stack - 1
        if tail is not None:
            self.lost_steps += step.sequence - tail.sequence - 1
        self._append_frames(step.frames)
        complete = self._next_frame > complete_from
        self._append_record(step, first_frame)
        if tail is not None and continues and tail.complete and complete and transition:
            self._transitions[self._next_transition % self.capacity] = self._next_record - 1
            self._next_transition += 1
        self.env_steps += step.index > 0
        self._tail = _Tail(step.sequence, step.episode, step.index, complete, first_frame, complete_from)
        self._forget()

    def sample_into(self, batch: Batch, sampler: Sampler, crop: Crop, rng: np.random.Generator) -> None:
        """Fill `batch` with transitions drawn by `sampler`; observation and next one are cropped independently.

        Raises `ValueError` where the store holds no transition.
        """
        if len(self) == 0:
            raise ValueError("the store holds no transition to sample")
        count = len(batch.reward)
        numbers, batch.weight[:] = sampler.sample(count, self._first_transition, self._next_transition)
        batch.header[:] = self.batches, self.env_steps, self.batches + 1, 0
        batch.index[:] = numbers
        slot, batch.reward[:], batch.bootstrap[:] = self._look_ahead(numbers)
        record = self._transitions[numbers % self.capacity]
        previous = (record - 1) % self._record_slots
        batch.action[:] = self._action[record % self._record_slots]
        batch.observation_state[:] = self._state[previous]
        batch.next_state[:] = self._state[slot]
        pairs = ((previous, batch.observation_images), (slot, batch.next_images))
        first, second = ((self._stacks(slots), crop.offsets(rng, count), images) for slots, images in pairs)
        other = self._helper.submit(self._gather, *second)
        self._gather(*first)
        other.result()
        self.batches += 1

    def _gather(self, stacks: NDArray[np.int64], offsets: NDArray[np.int32], images: NDArray[np.uint8]) -> None:
        gather(self._ring, stacks, offsets, *self._frames.shape[1:3], images)

    def _look_ahead(
        self, numbers: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        """(B,) record slots of o', returns and factors on the value of o', for transitions (B,)."""
        ahead = np.arange(self._returns.steps)
        following = numbers[:, None] + ahead
        records = self._transitions[following % self.capacity]
        # An episode's transitions have consecutive records; the first record of an episode ends no transition.
        follows = (following < self._next_transition) & (records == records[:, :1] + ahead)
        slots = records % self._record_slots
        steps, value, bootstrap = self._returns(self._reward[slots], self._terminal[slots], follows)
        return slots[np.arange(len(steps)), steps - 1], value, bootstrap

    def _stacks(self, slots: NDArray[np.int64]) -> NDArray[np.int64]:
        """(B, stack) frame slots of the stacks of the records in `slots` (B,)."""
        last = np.arange(1 - self._stack, 1)
        frames = np.maximum(self._newest_frame[slots, None] + last, self._first_frame[slots, None])
        slots_of_frames: NDArray[np.int64] = frames % self._frame_slots
        return slots_of_frames

    def _check(self, step: Step) -> None:
        shapes = step.frames.shape[1:], step.state.shape, step.action.shape
        expected = self._frames.shape[1:], self._state.shape[1:], self._action.shape[1:]
        if shapes != expected:
            raise ValueError(f"a step of shapes {shapes} cannot be stored where {expected} are")
        if step.index == 0 and len(step.frames) == 0:
            raise ValueError(f"the first step of episode {step.episode} carries no frame")
        if step.sequence <= self.newest:
            raise ValueError(f"step {step.sequence} came after step {self.newest}")

    def _append_frames(self, frames: NDArray[np.uint8]) -> None:
        for frame in frames:
            self._frames[self._next_frame % self._frame_slots] = frame
            self._next_frame += 1

    def _append_record(self, step: Step, first_frame: int) -> None:
        slot = self._next_record % self._record_slots
        self._state[slot] = step.state
        self._action[slot] = step.action
        self._reward[slot] = step.reward
        self._terminal[slot] = step.terminal
        self._newest_frame[slot] = self._next_frame - 1
        self._first_frame[slot] = first_frame
        self._episode_start[slot] = step.sequence - step.index
        self._next_record += 1

    def _forget(self) -> None:
        """Drop transitions whose slot, record or oldest frame was written over."""
        self._first_transition = max(self._first_transition, self._next_transition - self.capacity)
        while self._first_transition < self._next_transition:
            previous = int(self._transitions[self._first_transition % self.capacity]) - 1
            slot = previous % self._record_slots
            oldest = max(self._first_frame[slot], self._newest_frame[slot] - self._stack + 1)
            if previous >= self._next_record - self._record_slots and oldest >= self._next_frame - self._frame_slots:
                return
            self._first_transition += 1
