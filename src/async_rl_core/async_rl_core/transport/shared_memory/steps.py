"""Steps from agents to replay through shared memory; each actor has a service of its own.

A step is addressed to the replay process whose acknowledgement the agent received last. A successor of that process
ignores it: the agent keeps each unacknowledged step, and sends it again once it hears the successor.
"""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import iceoryx2 as iox2
import numpy as np
from numpy.typing import NDArray

from async_rl_core.config.schema import Config
from async_rl_core.errors import AsyncRLError, TransportError
from async_rl_core.spec.sizes import StepSizes
from async_rl_core.spec.step import SINGLE_ACTOR, Step, checked_actor
from async_rl_core.transport.shared_memory.acks import AckPublisher, AckSubscriber
from async_rl_core.transport.shared_memory.payload import WORDS, view, words
from async_rl_core.transport.shared_memory.port import Port
from async_rl_core.transport.shared_memory.service import (
    MAX_NODES,
    Endpoint,
    of_actor,
    require_space,
    service_name,
)
from async_rl_core.transport.shared_memory.wakeup import Notifier
from async_rl_core.transport.steps import Ack

WHAT = "steps"
REPLAY = "replay"
"""The listener that a step wakes."""
MAX_BUFFERED = 256
"""Most steps of an actor in flight: 10 s at 40 ms."""
MIN_BUFFERED = 16
_TICK = 100_000_000
"""Nanoseconds within which two changes of a folder may bear the same time."""
BUFFERED_BYTES = 128_000_000

_COUNTS = [("sequence", "<i8"), ("episode", "<i8"), ("index", "<i8")]
_HEADER = np.dtype([("store", "<u8"), *_COUNTS, ("frames", "<i4"), ("terminal", "<i4"), ("reward", "<f8")])


@dataclass(frozen=True)
class StepLayout(StepSizes):
    """Layout of a step in shared memory; both sides must agree on it."""

    frames: int
    """Camera frames in one step at most."""

    @classmethod
    def from_config(cls, config: Config) -> "StepLayout":
        """Returns the layout of a run's steps, which carry at most as many frames as a stack holds."""
        sizes = StepSizes.from_config(config)
        return cls(**asdict(sizes), frames=config.agent.frame_stack if sizes.has_frames else 0)

    @property
    def agreement(self) -> str:
        """For `Endpoint.service`."""
        return " ".join(f"{key}={value}" for key, value in asdict(self).items())

    @cached_property
    def nbytes(self) -> int:
        """Bytes of the largest step."""
        return self.record_nbytes + self.frames * self.frame_bytes

    @property
    def record_nbytes(self) -> int:
        """Bytes before the frames."""
        return _HEADER.itemsize + 4 * (self.state + self.action)

    @property
    def buffered(self) -> int:
        """Most steps in flight."""
        return int(np.clip(BUFFERED_BYTES // max(1, self.frame_bytes), MIN_BUFFERED, MAX_BUFFERED))

    def write(self, step: Step, store: int, buffer: NDArray[np.uint8]) -> None:
        """Writes a step for the replay process `store` into `buffer` (nbytes,).

        Raises `ValueError` where it does not fit the layout.
        """
        count = len(step.frames)
        shapes = step.frames.shape[1:], step.state.shape, step.action.shape
        if shapes != ((self.height, self.width, 3), (self.state,), (self.action,)) or count > self.frames:
            raise ValueError(f"a step of {count} frames and shapes {shapes} does not fit {self.agreement}")
        header = (store, step.sequence, step.episode, step.index, count, step.terminal, step.reward)
        buffer[: _HEADER.itemsize].view(_HEADER)[0] = header
        vectors = buffer[_HEADER.itemsize : self.record_nbytes].view(np.float32)
        vectors[: self.state], vectors[self.state :] = step.state, step.action
        start = self.record_nbytes
        buffer[start : start + count * self.frame_bytes] = step.frames.reshape(-1)

    def store(self, buffer: NDArray[np.uint8]) -> int:
        """Returns the replay process to which the step in `buffer` is addressed."""
        return int(buffer[: _HEADER.itemsize].view(_HEADER)[0]["store"])

    def read(self, buffer: NDArray[np.uint8], actor: str = SINGLE_ACTOR) -> Step:
        """Returns a copy of the step in `buffer`. Raises `ValueError` where it is not one of this layout."""
        header = buffer[: _HEADER.itemsize].view(_HEADER)[0]
        count = int(header["frames"])
        if not 0 <= count <= self.frames:
            raise ValueError(f"a step of {count} frames in a service of {self.frames}")
        vectors = buffer[_HEADER.itemsize : self.record_nbytes].view(np.float32)
        frames = buffer[self.record_nbytes : self.record_nbytes + count * self.frame_bytes]
        return Step(
            actor=actor,
            sequence=int(header["sequence"]),
            episode=int(header["episode"]),
            index=int(header["index"]),
            frames=frames.reshape(count, self.height, self.width, 3).copy(),
            state=vectors[: self.state].copy(),
            action=vectors[self.state :].copy(),
            reward=float(header["reward"]),
            terminal=bool(header["terminal"]),
        )


def _service(endpoint: Endpoint, layout: StepLayout, actor: str) -> Any:
    def build(builder: Any) -> Any:
        service = builder.publish_subscribe(WORDS).max_nodes(MAX_NODES).max_publishers(1).max_subscribers(1)
        service = service.subscriber_max_buffer_size(layout.buffered).subscriber_max_borrowed_samples(1)
        return service.history_size(0).enable_safe_overflow(False)  # overflow would discard the oldest unread step

    return endpoint.service(of_actor(WHAT, actor), build, layout.agreement)


class StepPublisher(Port):
    """Sends the steps of one actor: the only one of that actor in the domain. See `transport.steps.StepSender`."""

    def __init__(self, endpoint: Endpoint, layout: StepLayout, actor: str = SINGLE_ACTOR) -> None:
        super().__init__(endpoint, of_actor(WHAT, checked_actor(actor)), "publisher")
        require_space(layout.buffered * layout.nbytes, "steps on their way to replay")
        self.actor = actor
        self._layout = layout
        service = _service(endpoint, layout, actor)
        builder = service.publisher_builder().initial_max_slice_len(words(layout.nbytes)).max_loaned_samples(1)
        builder = builder.backpressure_strategy(iox2.BackpressureStrategy.DiscardData)
        with endpoint.reserving():
            self._open(builder.create)
        self._notifier = Notifier(endpoint, REPLAY)
        self._acks = AckSubscriber(endpoint, actor)
        self._parts += [self._notifier, self._acks]
        self._ack: Ack | None = None

    def newest_ack(self) -> Ack | None:
        """Returns the newest acknowledgement. Later steps are addressed to the replay process that sent it."""
        self._ack = self._acks.newest()
        return self._ack

    def send(self, step: Step) -> bool:
        """Sends a step; returns False while replay is away or its buffer is full. Never blocks.

        Raises `ValueError` where the step does not fit the layout, or is another actor's.
        """
        if self._ack is None:
            return False
        if step.actor != self.actor:
            raise ValueError(f"a step of actor '{step.actor}' cannot be sent by actor '{self.actor}'")
        loan = self._port.loan_slice_uninit(words(self._layout.nbytes))
        try:
            self._layout.write(step, self._ack.store, view(loan, self._layout.nbytes))
        except ValueError:
            loan.delete()
            raise
        delivered: int = loan.assume_init().send()
        if delivered == 0:
            return False
        self._notifier.notify()
        return True


class StepSubscriber(Port):
    """Receives the steps of one actor: the only one of that actor in the domain.

    `durable` is the newest step that need not be sent again; -1: none.
    """

    def __init__(self, endpoint: Endpoint, layout: StepLayout, durable: int = -1, actor: str = SINGLE_ACTOR) -> None:
        super().__init__(endpoint, of_actor(WHAT, checked_actor(actor)), "subscriber")
        self.actor = actor
        self._layout = layout
        service = _service(endpoint, layout, actor)
        self._acks = AckPublisher(endpoint, actor)
        self._parts.append(self._acks)
        self._acks.publish(durable)
        builder = service.subscriber_builder().buffer_size(layout.buffered)
        self._open(builder.create)

    def acknowledge(self, sequence: int) -> None:
        """Acknowledges the steps up to `sequence`. Call it periodically, since an agent may have joined."""
        self._acks.publish(sequence)

    def receive(self) -> Step | None:
        """Returns a copy of the next step; None without any. Raises `TransportError` where its content is invalid."""
        while (sample := self._port.receive()) is not None:
            buffer = view(sample, self._layout.nbytes)
            try:
                if self._layout.store(buffer) == self._acks.store:
                    return self._layout.read(buffer, self.actor)
            except ValueError as error:
                name = service_name(self._endpoint.domain, of_actor(WHAT, self.actor))
                raise TransportError(f"service {name} carries {error}; restart the run") from error
            finally:
                sample.delete()
        return None


class StepIntake:
    """Receives the steps of every actor in the domain. See `transport.steps.StepReceiver`.

    The single actor is expected from the start; actors with a namespace are found as they join. `durable` returns the
    newest step of an actor that need not be sent again; -1: none. Wait with a `Listener` of the name `REPLAY`.
    """

    def __init__(self, endpoint: Endpoint, layout: StepLayout, durable: Callable[[str], int]) -> None:
        self._endpoint, self._layout, self._durable = endpoint, layout, durable
        self._subscribers: dict[str, StepSubscriber] = {}
        self.refused: dict[str, str] = {}
        """Actors that cannot be received from, with the reasons."""
        self._generation = -1
        self._turn = 0
        self._add(SINGLE_ACTOR)
        self._find_actors()

    @property
    def actors(self) -> list[str]:
        """Actors whose steps are received."""
        return list(self._subscribers)

    def acknowledge(self) -> None:
        """Acknowledges the durable steps of each actor, and finds new actors. Call it periodically."""
        for actor, subscriber in self._subscribers.items():
            subscriber.acknowledge(self._durable(actor))
        self._find_actors()

    def receive(self) -> Step | None:
        """Returns a copy of the next step, of one actor after the other; None without any."""
        subscribers = list(self._subscribers.values())
        for _ in subscribers:
            self._turn = (self._turn + 1) % len(subscribers)
            if (step := subscribers[self._turn].receive()) is not None:
                return step
        return None

    def close(self) -> None:
        """Closes the ports; a second time does nothing."""
        for subscriber in self._subscribers.values():
            subscriber.close()

    def _find_actors(self) -> None:
        generation = self._endpoint.generation
        if generation == self._generation:
            return
        self.refused.clear()
        for actor in self._endpoint.actors(WHAT):
            if actor not in self._subscribers:
                try:
                    self._add(actor)
                except AsyncRLError as error:  # one arm's configuration must not stop the others
                    self.refused[actor] = str(error)
        if not 0 <= time.time_ns() - generation < _TICK:
            self._generation = generation

    def _add(self, actor: str) -> None:
        self._subscribers[actor] = StepSubscriber(self._endpoint, self._layout, self._durable(actor), actor)
