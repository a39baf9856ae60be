"""Sleeping until another process has something for us."""

from contextlib import suppress
from typing import Any

import iceoryx2 as iox2

from async_rl_core.transport.shared_memory.port import Port
from async_rl_core.transport.shared_memory.service import MAX_NODES, Endpoint

MAX_NOTIFIERS = 8
SHORTEST = 1e-4
"""Seconds; who would sleep for less looks and does not sleep."""


def _service(endpoint: Endpoint, whom: str) -> Any:
    def build(builder: Any) -> Any:
        return builder.event().max_nodes(MAX_NODES).max_listeners(1).max_notifiers(MAX_NOTIFIERS)

    return endpoint.service(f"wake/{whom}", build, "event")


class Listener(Port):
    """The sleeper: the only one of its name in the domain."""

    def __init__(self, endpoint: Endpoint, name: str) -> None:
        super().__init__(endpoint, f"wake/{name}", "listener")
        service = _service(endpoint, name)
        self._open(lambda: service.listener_builder().create())

    def wait(self, timeout: float) -> bool:
        """Sleep until notified or interrupted by a signal, `timeout` seconds at most; whether it was notified.

        Notifications since the last wait count, as one.
        """
        try:
            if timeout < SHORTEST:  # to iceoryx2, as to a socket, a wait of 0 is one without end
                return bool(self._port.try_wait())
            return bool(self._port.timed_wait(iox2.Duration.from_secs_f64(timeout)))
        except iox2.ListenerWaitError as error:
            if str(error) == "InterruptSignal":  # a signal handler ran; the caller sees to what it asks for
                return False
            raise


class Notifier(Port):
    """Wakes the listener of that name, where there is one. Never blocks."""

    def __init__(self, endpoint: Endpoint, name: str) -> None:
        super().__init__(endpoint, f"wake/{name}", "notifier")
        service = _service(endpoint, name)
        self._open(lambda: service.notifier_builder().create())

    def notify(self) -> None:
        """Wake it."""
        # A listener that died or does not wake up is no error here: its next wait times out and looks by itself.
        with suppress(iox2.NotifierNotifyError):
            self._port.notify()
