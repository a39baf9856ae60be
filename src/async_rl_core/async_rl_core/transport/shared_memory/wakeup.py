"""Events that wake another process."""

from contextlib import suppress
from typing import Any

import iceoryx2 as iox2

from async_rl_core.transport.shared_memory.port import Port
from async_rl_core.transport.shared_memory.service import MAX_NODES, Endpoint

MAX_NOTIFIERS = 8
"""Most processes that wake one listener: the agents and the learner."""
SHORTEST = 1e-4
"""Seconds; a shorter wait does not sleep."""


def _service(endpoint: Endpoint, whom: str) -> Any:
    def build(builder: Any) -> Any:
        return builder.event().max_nodes(MAX_NODES).max_listeners(1).max_notifiers(MAX_NOTIFIERS)

    return endpoint.service(f"wake/{whom}", build, "event")


class Listener(Port):
    """Waits for notifications; the only one of its name in the domain."""

    def __init__(self, endpoint: Endpoint, name: str) -> None:
        super().__init__(endpoint, f"wake/{name}", "listener")
        service = _service(endpoint, name)
        self._open(lambda: service.listener_builder().create())

    def wait(self, timeout: float) -> bool:
        """Sleeps until a notification, a signal or the timeout in seconds; returns whether it was notified.

        Notifications since the last wait count as one.
        """
        try:
            if timeout < SHORTEST:  # for iceoryx2, a wait of 0 has no end
                return bool(self._port.try_wait())
            return bool(self._port.timed_wait(iox2.Duration.from_secs_f64(timeout)))
        except iox2.ListenerWaitError as error:
            if str(error) == "InterruptSignal":  # a signal handler ran
                return False
            raise


class Notifier(Port):
    """Wakes the listener of that name, if there is one. Never blocks."""

    def __init__(self, endpoint: Endpoint, name: str) -> None:
        super().__init__(endpoint, f"wake/{name}", "notifier")
        service = _service(endpoint, name)
        self._open(lambda: service.notifier_builder().create())

    def notify(self) -> None:
        """Wakes the listener; does nothing without one."""
        # A listener that does not wake up is no error: its next wait times out.
        with suppress(iox2.NotifierNotifyError):
            self._port.notify()
