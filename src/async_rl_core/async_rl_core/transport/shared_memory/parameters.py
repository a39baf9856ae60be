"""Policy parameters from the learner to agents through shared memory."""

from typing import Any

import iceoryx2 as iox2
import numpy as np
import xxhash
from numpy.typing import NDArray

from async_rl_core.transport.parameters import PolicyParameters
from async_rl_core.transport.shared_memory.payload import WORDS, view, words
from async_rl_core.transport.shared_memory.port import Port
from async_rl_core.transport.shared_memory.service import MAX_NODES, Endpoint, require_space

WHAT = "parameters"
_HEADER = np.dtype([("version", "<u8"), ("updates", "<u8"), ("size", "<u8"), ("checksum", "<u8")])
_START = 64
"""Bytes before the values, which start on a cache line."""
_CHECKSUM = _HEADER.itemsize - 8
"""Offset of the checksum over everything else in the blob."""


def _nbytes(size: int) -> int:
    """Returns the bytes of a blob."""
    return _START + 4 * size


def _hash(buffer: NDArray[np.uint8]) -> int:
    """Returns the XXH3 of a blob without its checksum; a CRC-32 takes twenty times as long."""
    digest = xxhash.xxh3_64(buffer[:_CHECKSUM].data)
    digest.update(buffer[_HEADER.itemsize :].data)
    return digest.intdigest()


def _service(endpoint: Endpoint, size: int) -> Any:
    def build(builder: Any) -> Any:
        service = builder.publish_subscribe(WORDS).max_nodes(MAX_NODES).max_publishers(1).max_subscribers(4)
        service = service.history_size(1).subscriber_max_buffer_size(1).subscriber_max_borrowed_samples(2)
        return service.enable_safe_overflow(True)

    return endpoint.service(WHAT, build, f"size={size}")


class ParameterPublisher(Port):
    """A `ParameterSender` of `size` values: the only one in the domain."""

    def __init__(self, endpoint: Endpoint, size: int) -> None:
        super().__init__(endpoint, WHAT, "publisher")
        self._size, self._nbytes = size, _nbytes(size)
        require_space(5 * self._nbytes, "policy parameters")
        service = _service(endpoint, size)
        builder = service.publisher_builder().initial_max_slice_len(words(self._nbytes)).max_loaned_samples(1)
        builder = builder.backpressure_strategy(iox2.BackpressureStrategy.DiscardData)
        with endpoint.reserving():
            self._open(builder.create)

    def publish(self, version: int, updates: int, values: NDArray[np.float32]) -> None:
        """Publishes `values` (size,). Never blocks. Raises `ValueError` for another size or type."""
        if values.shape != (self._size,) or values.dtype != np.float32:
            raise ValueError(f"{self._size} float32 are published, not {values.shape} {values.dtype}")
        loan, buffer = self._loan()
        buffer[:_START] = 0
        header = buffer[: _HEADER.itemsize].view(_HEADER)
        header[0] = (version, updates, self._size, 0)
        buffer[_START:].view(np.float32)[:] = values
        header["checksum"] = _hash(buffer)
        loan.assume_init().send()

    def _loan(self) -> tuple[Any, NDArray[np.uint8]]:
        loan = self._port.loan_slice_uninit(words(self._nbytes))
        return loan, view(loan, self._nbytes)

    def refresh(self) -> None:
        """Sends the newest parameters to receivers that joined since; call it periodically."""
        self._port.update_connections()


class ParameterSubscriber(Port):
    """A `ParameterReceiver`."""

    def __init__(self, endpoint: Endpoint, size: int) -> None:
        super().__init__(endpoint, WHAT, "subscriber")
        self._nbytes = _nbytes(size)
        self._size = size
        self._held: Any = None
        self.rejected = 0
        """Publications whose checksum was wrong."""
        service = _service(endpoint, size)
        self._open(lambda: service.subscriber_builder().buffer_size(1).create())

    def newest(self) -> PolicyParameters | None:
        """Returns the newest parameters if they are newer than those returned last. Never blocks."""
        sample = self._port.receive()
        if sample is None:
            return None
        parameters = self._read(view(sample, self._nbytes))
        if parameters is None:
            self.rejected += 1
            sample.delete()
            return None
        if self._held is not None:
            self._held.delete()
        self._held = sample
        return parameters

    def _read(self, buffer: NDArray[np.uint8]) -> PolicyParameters | None:
        header = buffer[: _HEADER.itemsize].view(_HEADER)[0]
        if header["size"] != self._size or header["checksum"] != _hash(buffer):
            return None
        values = buffer[_START:].view(np.float32)
        values.setflags(write=False)
        return PolicyParameters(int(header["version"]), int(header["updates"]), values)

    def close(self) -> None:
        """Closes the port; the parameters returned last are no longer valid."""
        if self._held is not None:
            self._held.delete()
            self._held = None
        super().close()
