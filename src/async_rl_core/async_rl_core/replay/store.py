"""Experience, with every camera frame stored once."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from async_rl_core.config.schema import Config
from async_rl_core.replay import memory
from async_rl_core.replay.batch import Batch
from async_rl_core.replay.crop import Crop
from async_rl_core.replay.kernels import gather
from async_rl_core.replay.sampler import Sampler
from async_rl_core.replay.step import Step

FRAME_SLACK = 1.01
"""Frames kept per transition: an episode of 100 transitions has 101 frames."""
RECORD_SLACK = 1.25
"""Records kept per transition: they are small, so that frames decide what is forgotten."""


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
    One thread inserts and samples.

    Stacks hold the last `stack` camera frames of the episode; the first frame stands in for those before it. Across
    a gap (a lost step) nothing pairs, and no stack is built until enough frames have come after it.
    Raises `ConfigError` with the numbers where the machine lacks the memory.
    """

    def __init__(
        self,
        capacity: int,
        height: int,
        width: int,
        stack: int,
        proprioception: int,
        action: int,
        frames_per_step: float = 1.0,
    ) -> None:
        self.capacity, self.stack = capacity, stack
        self._height, self._width = height, width
        self._frame_slots = math.ceil(capacity * frames_per_step * FRAME_SLACK) + 2 * stack
        self._record_slots = math.ceil(capacity * RECORD_SLACK) + 2
        frame_bytes = height * width * 3
        memory.require(
            self._frame_slots * frame_bytes,
            f"replay.capacity {capacity} at {width}x{height}",
            "use a smaller replay.capacity or a smaller image",
        )
        records = self._record_slots
        self._ring = np.empty(self._frame_slots * frame_bytes, np.uint8)
        self._frames = self._ring.reshape(-1, height, width, 3)
        self._proprioception = np.empty((records, proprioception), np.float32)
        self._action = np.empty((records, action), np.float32)
        self._reward = np.empty(records, np.float32)
        self._terminal = np.empty(records, np.bool_)
        self._newest_frame = np.empty(records, np.int64)
        self._first_frame = np.empty(records, np.int64)
        self._transitions = np.empty(capacity, np.int64)
        self._next_frame = self._next_record = self._first_transition = self._next_transition = 0
        self._tail: _Tail | None = None
        self.env_steps = 0
        """Steps with an action inserted, whether or not they made a transition."""
        self.lost_steps = 0
        """Steps that the gaps in `sequence` stand for."""
        self.batches = 0
        """Mini-batches sampled."""

    @classmethod
    def of(cls, config: Config) -> "FrameStore":
        """The store of a run."""
        camera, joints = config.camera, len(config.robot.actuated_joints)
        per_step = camera.rate * config.agent.action_cycle_time
        stack = config.agent.frame_stack
        return cls(config.replay.capacity, camera.height, camera.width, stack, 3 * joints, joints, per_step)

    def __len__(self) -> int:
        """Transitions that can be sampled."""
        return self._next_transition - self._first_transition

    @property
    def nbytes(self) -> int:
        """Bytes of memory once full."""
        records = (self._proprioception, self._action, self._reward, self._terminal)
        numbers = (self._newest_frame, self._first_frame, self._transitions)
        return self._ring.nbytes + sum(array.nbytes for array in (*records, *numbers))

    @property
    def nbytes_used(self) -> int:
        """Bytes of `nbytes` that hold something."""
        share = min(1.0, self._next_frame / self._frame_slots)
        return round(share * self.nbytes)

    def insert(self, step: Step) -> None:
        """Store a step; it is copied. Raises `ValueError` where its shapes are not the store's."""
        self._check(step)
        tail = self._tail
        continues = (
            tail is not None
            and step.index > 0
            and (step.sequence, step.episode, step.index) == (tail.sequence + 1, tail.episode, tail.index + 1)
        )
        if tail is not None and step.sequence > tail.sequence + 1:
            self.lost_steps += step.sequence - tail.sequence - 1
        if tail is not None and continues:
            first_frame, complete_from = tail.first_frame, tail.complete_from
        else:
            first_frame = self._next_frame
            complete_from = first_frame if step.index == 0 else first_frame + self.stack - 1
        self._append_frames(step.frames)
        complete = self._next_frame > complete_from
        self._append_record(step, first_frame)
        if tail is not None and continues and tail.complete and complete:
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
        numbers = sampler.sample(count, self._first_transition, self._next_transition)
        record = self._transitions[numbers % self.capacity]
        slot, previous = record % self._record_slots, (record - 1) % self._record_slots
        batch.header[:] = self.batches, self.env_steps, self.batches + 1, 0
        batch.index[:] = record
        batch.action[:] = self._action[slot]
        batch.reward[:] = self._reward[slot]
        np.logical_not(self._terminal[slot], out=batch.not_terminal)
        batch.observation_proprioception[:] = self._proprioception[previous]
        batch.next_proprioception[:] = self._proprioception[slot]
        for slots, images in ((previous, batch.observation_images), (slot, batch.next_images)):
            offsets = crop.offsets(rng, count)
            gather(self._ring, self._stacks(slots), offsets, self._height, self._width, images)
        self.batches += 1

    def _stacks(self, slots: NDArray[np.int64]) -> NDArray[np.int64]:
        """(B, stack) frame slots of the stacks of the records in `slots` (B,)."""
        last = np.arange(1 - self.stack, 1)
        frames = np.maximum(self._newest_frame[slots, None] + last, self._first_frame[slots, None])
        slots_of_frames: NDArray[np.int64] = frames % self._frame_slots
        return slots_of_frames

    def _check(self, step: Step) -> None:
        shapes = step.frames.shape[1:], step.proprioception.shape, step.action.shape
        expected = self._frames.shape[1:], self._proprioception.shape[1:], self._action.shape[1:]
        if shapes != expected:
            raise ValueError(f"a step of shapes {shapes} cannot be stored where {expected} are")
        if step.index == 0 and len(step.frames) == 0:
            raise ValueError(f"the first step of episode {step.episode} carries no frame")

    def _append_frames(self, frames: NDArray[np.uint8]) -> None:
        for frame in frames:
            self._frames[self._next_frame % self._frame_slots] = frame
            self._next_frame += 1

    def _append_record(self, step: Step, first_frame: int) -> None:
        slot = self._next_record % self._record_slots
        self._proprioception[slot] = step.proprioception
        self._action[slot] = step.action
        self._reward[slot] = step.reward
        self._terminal[slot] = step.terminal
        self._newest_frame[slot] = self._next_frame - 1
        self._first_frame[slot] = first_frame
        self._next_record += 1

    def _forget(self) -> None:
        """Drop transitions whose slot, record or oldest frame was written over."""
        self._first_transition = max(self._first_transition, self._next_transition - self.capacity)
        while self._first_transition < self._next_transition:
            previous = int(self._transitions[self._first_transition % self.capacity]) - 1
            slot = previous % self._record_slots
            oldest = max(self._first_frame[slot], self._newest_frame[slot] - self.stack + 1)
            if previous >= self._next_record - self._record_slots and oldest >= self._next_frame - self._frame_slots:
                return
            self._first_transition += 1
