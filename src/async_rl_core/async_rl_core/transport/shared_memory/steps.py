"""Steps from the agent to replay: none is lost silently, and the agent never waits.

A step is addressed to the replay process whose receipt the agent heard last. One that a successor finds in its place
is ignored: the agent, which keeps what no receipt covers, sends it again in its turn once it hears the successor.
"""

from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import iceoryx2 as iox2
import numpy as np
from numpy.typing import NDArray

from async_rl_core.config.schema import Config
from async_rl_core.errors import TransportError
from async_rl_core.spec.sizes import StepSizes
from async_rl_core.spec.step import Step
from async_rl_core.transport.shared_memory.acks import Ack, AckPublisher, AckSubscriber
from async_rl_core.transport.shared_memory.payload import WORDS, view, words
from async_rl_core.transport.shared_memory.port import Port
from async_rl_core.transport.shared_memory.service import MAX_NODES, Endpoint, require_space, service_name
from async_rl_core.transport.shared_memory.wakeup import Notifier

WHAT = "steps"
REPLAY = "replay"
"""Whom a step wakes."""
MAX_BUFFERED = 256
"""Steps that wait for a replay process at most: 10 s at 40 ms."""
MIN_BUFFERED = 16
BUFFERED_BYTES = 128_000_000

_COUNTS = [("sequence", "<i8"), ("episode", "<i8"), ("index", "<i8")]
_HEADER = np.dtype([("store", "<u8"), *_COUNTS, ("frames", "<i4"), ("terminal", "<i4"), ("reward", "<f8")])


@dataclass(frozen=True)
class StepLayout(StepSizes):
    """What both sides know of a step."""

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
        """Steps that may wait."""
        return int(np.clip(BUFFERED_BYTES // max(1, self.frame_bytes), MIN_BUFFERED, MAX_BUFFERED))

    def write(self, step: Step, store: int, buffer: NDArray[np.uint8]) -> None:
        """Put a step for the process `store` into `buffer` (nbytes,).

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
        """For which process the step in `buffer` is."""
        return int(buffer[: _HEADER.itemsize].view(_HEADER)[0]["store"])

    def read(self, buffer: NDArray[np.uint8]) -> Step:
        """The step in `buffer`, copied out. Raises `ValueError` where it is not one of this layout."""
        header = buffer[: _HEADER.itemsize].view(_HEADER)[0]
        count = int(header["frames"])
        if not 0 <= count <= self.frames:
            raise ValueError(f"a step of {count} frames in a service of {self.frames}")
        vectors = buffer[_HEADER.itemsize : self.record_nbytes].view(np.float32)
        frames = buffer[self.record_nbytes : self.record_nbytes + count * self.frame_bytes]
        return Step(
            sequence=int(header["sequence"]),
            episode=int(header["episode"]),
            index=int(header["index"]),
            frames=frames.reshape(count, self.height, self.width, 3).copy(),
            state=vectors[: self.state].copy(),
            action=vectors[self.state :].copy(),
            reward=float(header["reward"]),
            terminal=bool(header["terminal"]),
        )


def _service(endpoint: Endpoint, layout: StepLayout) -> Any:
    def build(builder: Any) -> Any:
        service = builder.publish_subscribe(WORDS).max_nodes(MAX_NODES).max_publishers(1).max_subscribers(1)
        service = service.subscriber_max_buffer_size(layout.buffered).subscriber_max_borrowed_samples(1)
        return service.history_size(0).enable_safe_overflow(False)  # overflow would forget the oldest unseen

    return endpoint.service(WHAT, build, layout.agreement)


class StepPublisher(Port):
    """The agent's side: the only one in the domain."""

    def __init__(self, endpoint: Endpoint, layout: StepLayout) -> None:
        super().__init__(endpoint, WHAT, "publisher")
        require_space(layout.buffered * layout.nbytes, "steps on their way to replay")
        self._layout = layout
        service = _service(endpoint, layout)
        builder = service.publisher_builder().initial_max_slice_len(words(layout.nbytes)).max_loaned_samples(1)
        builder = builder.backpressure_strategy(iox2.BackpressureStrategy.DiscardData)
        with endpoint.reserving():
            self._open(builder.create)
        self._notifier = Notifier(endpoint, REPLAY)
        self._receipts = AckSubscriber(endpoint)
        self._parts += [self._notifier, self._receipts]
        self._receipt: Ack | None = None

    def receipt(self) -> Ack | None:
        """What replay has. Steps sent from now on are addressed to the process that says so. Never blocks."""
        self._receipt = self._receipts.newest()
        return self._receipt

    def send(self, step: Step) -> bool:
        """Hand a step over; False where replay is away or lags: keep the step and send it again later, in order.

        Keep it anyway until a `receipt` covers it, and send it again to a new process, in order. Never blocks. Raises
        `ValueError` where the step does not fit the layout.
        """
        if self._receipt is None:
            return False
        loan = self._port.loan_slice_uninit(words(self._layout.nbytes))
        try:
            self._layout.write(step, self._receipt.store, view(loan, self._layout.nbytes))
        except ValueError:
            loan.delete()
            raise
        delivered: int = loan.assume_init().send()
        if delivered == 0:
            return False
        self._notifier.notify()
        return True


class StepSubscriber(Port):
    """Replay's side: the only one in the domain. Wait with a `Listener` of the name `REPLAY`.

    `settled` is the newest step that it has already; -1: none.
    """

    def __init__(self, endpoint: Endpoint, layout: StepLayout, settled: int = -1) -> None:
        super().__init__(endpoint, WHAT, "subscriber")
        self._layout = layout
        service = _service(endpoint, layout)
        self._receipts = AckPublisher(endpoint)
        self._parts.append(self._receipts)
        self._receipts.publish(settled)
        builder = service.subscriber_builder().buffer_size(layout.buffered)
        self._open(builder.create)

    def acknowledge(self, sequence: int) -> None:
        """Say that steps up to `sequence` need not be sent again. Call it now and then: an agent may be new."""
        self._receipts.publish(sequence)

    def receive(self) -> Step | None:
        """The next step, a copy; None where none waits. Raises `TransportError` where it is not one."""
        while (sample := self._port.receive()) is not None:
            buffer = view(sample, self._layout.nbytes)
            try:
                if self._layout.store(buffer) == self._receipts.store:
                    return self._layout.read(buffer)
            except ValueError as error:
                name = service_name(self._endpoint.domain, WHAT)
                raise TransportError(f"service {name} carries {error}; restart the run") from error
            finally:
                sample.delete()
        return None
