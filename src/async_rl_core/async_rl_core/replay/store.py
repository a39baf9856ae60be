"""Experience, with every camera frame stored once."""

from collections import defaultdict, deque
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

_NONE = -1


@dataclass(frozen=True, slots=True)
class _Tail:
    """The newest record of an actor."""

    sequence: int
    episode: int
    index: int
    record: int
    """Its number."""
    transition: int
    """Number of the transition that ends with it, or `_NONE`."""
    stack: tuple[int, ...]
    """Numbers of the frames of its stack, oldest first; empty while one of them is not known."""
    frames: tuple[int, ...]
    """Numbers of the newest frames since the episode began or a gap."""


class FrameStore:
    """Three rings: frames, records (one per step), and transitions (two consecutive records of one episode).

    Memory is touched as it fills; without a camera no frame is allocated. Everything is numbered from 0 and never
    renumbered; the slot in a ring is the number modulo its size. A transition is forgotten with the oldest of the
    frames, records or transitions that it needs. One thread inserts and samples; while it samples, a second one
    gathers the other half of the images.

    The steps of several actors may be interleaved. Stacks hold the last `stack` camera frames of the actor's episode;
    the first frame stands in for those before it. Across a gap (a lost step) nothing pairs, and no stack is built
    until enough frames have come after it. Raises `ConfigError` with the numbers where memory does not suffice.
    """

    def __init__(self, sizes: StoreSizes, returns: NStepReturn, allocate: storage.Allocate = storage.in_memory) -> None:
        step, self.capacity = sizes.step, sizes.capacity
        self._returns = returns
        self._has_frames = step.has_frames
        self._stack = sizes.stack if step.has_frames else 0
        self._frame_slots, self._record_slots = sizes.frames, sizes.records
        records = sizes.records
        self._ring: NDArray[np.uint8] = np.empty(0, np.uint8)
        if step.has_frames:
            what = f"replay.capacity {self.capacity} at {step.width}x{step.height}"
            self._ring = allocate(self._frame_slots * step.frame_bytes, what)
        self._frames = self._ring.reshape(self._frame_slots, step.height, step.width, 3)
        self._state = np.empty((records, step.state), np.float32)
        self._action = np.empty((records, step.action), np.float32)
        self._reward = np.empty(records, np.float32)
        self._terminal = np.empty(records, np.bool_)
        self._stacks = np.empty((records, self._stack), np.int64)
        self._before, self._after, self._following = (np.empty(self.capacity, np.int64) for _ in range(3))
        self._oldest_record, self._oldest_frame = (np.empty(self.capacity, np.int64) for _ in range(2))
        self._next_frame = self._next_record = self._first_transition = self._next_transition = 0
        self._tails: dict[str, _Tail] = {}
        self._episodes: defaultdict[str, deque[tuple[int, int]]] = defaultdict(deque)
        self.env_steps = 0
        """Steps with an action inserted, including those that made no transition."""
        self.lost_steps = 0
        """Steps missing in the gaps of `sequence`."""
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
        records = (self._state, self._action, self._reward, self._terminal, self._stacks)
        transitions = (self._before, self._after, self._following, self._oldest_record, self._oldest_frame)
        return self._ring.nbytes + sum(array.nbytes for array in (*records, *transitions))

    @property
    def nbytes_used(self) -> int:
        """Bytes of `nbytes` that hold something."""
        filled, slots = (
            (self._next_frame, self._frame_slots) if self._has_frames else (self._next_record, self._record_slots)
        )
        return round(min(1.0, filled / slots) * self.nbytes)

    @property
    def actors(self) -> list[str]:
        """Actors of the steps inserted so far."""
        return list(self._tails)

    def newest(self, actor: str = "") -> int:
        """Returns the sequence number of the newest step of an actor; -1 without any."""
        tail = self._tails.get(actor)
        return -1 if tail is None else tail.sequence

    def needed_from(self, actor: str = "") -> int:
        """Returns the sequence number from which the steps of an actor restore its part of this store.

        This is the number of the first step of its oldest stored episode.
        """
        episodes, tail = self._episodes[actor], self._tails.get(actor)
        while len(episodes) > 1 and episodes[1][0] <= self._first_transition:
            episodes.popleft()
        if len(self) == 0 or not episodes:
            return 0 if tail is None else tail.sequence - tail.index
        return episodes[0][1]

    def insert(self, step: Step, transition: bool = True) -> None:
        """Copies a step into the store, and pairs it with the one before it if `transition`.

        Raises `ValueError` where its shapes differ from the store's, or a newer step of its actor is stored.
        """
        self._check(step)
        tail = self._tails.get(step.actor)
        if tail is not None:
            self.lost_steps += step.sequence - tail.sequence - 1
        previous = tail if tail is not None and _continues(step, tail) else None
        frames = (*(previous.frames if previous is not None else ()), *self._append_frames(step.frames))
        stack = self._stack_of(step, previous, frames)
        record = self._append_record(step, stack)
        number = _NONE
        if previous is not None and transition and self._can_pair(previous, stack):
            number = self._append_transition(previous, record)
            self._note_episode(step, number)
        self.env_steps += step.index > 0
        kept = frames[-self._stack :] if self._has_frames else ()
        self._tails[step.actor] = _Tail(step.sequence, step.episode, step.index, record, number, stack, kept)
        self._forget()

    def sample_into(self, batch: Batch, sampler: Sampler, crop: Crop, rng: np.random.Generator) -> None:
        """Fills `batch` with transitions drawn by `sampler`; observation and next one are cropped independently.

        Raises `ValueError` where the store holds no transition.
        """
        if len(self) == 0:
            raise ValueError("the store holds no transition to sample")
        count = len(batch.reward)
        numbers, batch.weight[:] = sampler.sample(count, self._first_transition, self._next_transition)
        batch.header[:] = self.batches, self.env_steps, self.batches + 1, 0
        batch.index[:] = numbers
        following, batch.reward[:], batch.bootstrap[:] = self._look_ahead(numbers)
        slots = numbers % self.capacity
        previous = self._before[slots] % self._record_slots
        batch.action[:] = self._action[self._after[slots] % self._record_slots]
        batch.observation_state[:] = self._state[previous]
        batch.next_state[:] = self._state[following]
        if self._has_frames:
            self._gather_images(batch, previous, following, crop, rng)
        self.batches += 1

    def _gather_images(
        self,
        batch: Batch,
        previous: NDArray[np.int64],
        following: NDArray[np.int64],
        crop: Crop,
        rng: np.random.Generator,
    ) -> None:
        pairs = ((previous, batch.observation_images), (following, batch.next_images))
        first, second = (
            (self._stacks[slots] % self._frame_slots, crop.offsets(rng, len(slots)), images) for slots, images in pairs
        )
        other = self._helper.submit(self._gather, *second)
        self._gather(*first)
        other.result()

    def _gather(self, stacks: NDArray[np.int64], offsets: NDArray[np.int32], images: NDArray[np.uint8]) -> None:
        gather(self._ring, stacks, offsets, *self._frames.shape[1:3], images)

    def _look_ahead(
        self, numbers: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        """Returns record slots of o' (B,), returns (B,) and factors on the value of o' (B,) of transitions (B,)."""
        ahead = np.empty((len(numbers), self._returns.steps), np.int64)
        ahead[:, 0] = numbers
        for k in range(1, self._returns.steps):
            before = ahead[:, k - 1]
            ahead[:, k] = np.where(before == _NONE, _NONE, self._following[before % self.capacity])
        slots = self._after[ahead % self.capacity] % self._record_slots
        steps, value, bootstrap = self._returns(self._reward[slots], self._terminal[slots], ahead != _NONE)
        return slots[np.arange(len(steps)), steps - 1], value, bootstrap

    def _check(self, step: Step) -> None:
        shapes = step.frames.shape[1:], step.state.shape, step.action.shape
        expected = self._frames.shape[1:], self._state.shape[1:], self._action.shape[1:]
        if shapes != expected:
            raise ValueError(f"a step of shapes {shapes} cannot be stored where {expected} are")
        if self._has_frames and step.index == 0 and len(step.frames) == 0:
            raise ValueError(f"the first step of episode {step.episode} carries no frame")
        if step.sequence <= self.newest(step.actor):
            raise ValueError(f"step {step.sequence} came after step {self.newest(step.actor)}")

    def _stack_of(self, step: Step, previous: _Tail | None, frames: tuple[int, ...]) -> tuple[int, ...]:
        """Returns the frames of a step's stack, given the newest `frames` of its episode; empty if one is unknown."""
        if not self._has_frames:
            return ()
        begins = step.index == 0 or (previous is not None and bool(previous.stack))
        if len(frames) < self._stack and not begins:
            return ()
        padded = (frames[0],) * (self._stack - len(frames)) + frames
        return padded[-self._stack :]

    def _can_pair(self, previous: _Tail, stack: tuple[int, ...]) -> bool:
        """Returns whether the store still holds all that a transition from `previous` to `stack` needs."""
        if previous.record < self._next_record - self._record_slots:
            return False
        if not self._has_frames:
            return True
        return bool(previous.stack and stack) and previous.stack[0] >= self._next_frame - self._frame_slots

    def _append_frames(self, frames: NDArray[np.uint8]) -> range:
        first = self._next_frame
        for frame in frames:
            self._frames[self._next_frame % self._frame_slots] = frame
            self._next_frame += 1
        return range(first, self._next_frame)

    def _append_record(self, step: Step, stack: tuple[int, ...]) -> int:
        number = self._next_record
        slot = number % self._record_slots
        self._state[slot] = step.state
        self._action[slot] = step.action
        self._reward[slot] = step.reward
        self._terminal[slot] = step.terminal
        if stack:
            self._stacks[slot] = stack
        self._next_record += 1
        return number

    def _append_transition(self, previous: _Tail, record: int) -> int:
        number = self._next_transition
        slot = number % self.capacity
        self._before[slot], self._after[slot], self._following[slot] = previous.record, record, _NONE
        if previous.transition >= max(self._first_transition, number - self.capacity + 1):
            self._following[previous.transition % self.capacity] = number
        self._next_transition += 1
        self._first_transition = max(self._first_transition, self._next_transition - self.capacity)
        self._note_needs(number, previous.record, previous.stack[0] if previous.stack else self._next_frame)
        return number

    def _note_needs(self, number: int, record: int, frame: int) -> None:
        """Notes the oldest record and frame of a transition, also for those before it: they are forgotten in order.

        A transition of another actor may be older in the store and need newer frames.
        """
        for needs, oldest in ((self._oldest_record, record), (self._oldest_frame, frame)):
            needs[number % self.capacity] = oldest
            earlier = number - 1
            while earlier >= self._first_transition and needs[earlier % self.capacity] > oldest:
                needs[earlier % self.capacity] = oldest
                earlier -= 1

    def _note_episode(self, step: Step, transition: int) -> None:
        """Notes the first transition of an actor's episode, with the sequence number of the episode's first step."""
        start, episodes = step.sequence - step.index, self._episodes[step.actor]
        if not episodes or episodes[-1][1] != start:
            episodes.append((transition, start))

    def _forget(self) -> None:
        """Drops the transitions that need a record or a frame which was overwritten."""
        record, frame = self._next_record - self._record_slots, self._next_frame - self._frame_slots
        while self._first_transition < self._next_transition:
            slot = self._first_transition % self.capacity
            if self._oldest_record[slot] >= record and self._oldest_frame[slot] >= frame:
                return
            self._first_transition += 1


def _continues(step: Step, tail: _Tail) -> bool:
    """Returns whether a step directly follows the newest record of its actor, in the same episode."""
    follows = (tail.sequence + 1, tail.episode, tail.index + 1)
    return step.index > 0 and (step.sequence, step.episode, step.index) == follows
