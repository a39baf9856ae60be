"""One end of a service in shared memory."""

from collections.abc import Callable
from typing import Any

import iceoryx2 as iox2

from async_rl_core.errors import TransportError
from async_rl_core.transport.shared_memory.service import Endpoint, service_name

_ERRORS = (
    iox2.PublisherCreateError,
    iox2.SubscriberCreateError,
    iox2.ServerCreateError,
    iox2.ClientCreateError,
    iox2.ListenerCreateError,
    iox2.NotifierCreateError,
)


class Port:
    """Belongs to an endpoint, which closes it at the latest. Using a closed port raises AttributeError.

    iceoryx2 itself would abort the process.
    """

    def __init__(self, endpoint: Endpoint, what: str, role: str) -> None:
        self._endpoint, self._what, self._role = endpoint, what, role
        self._parts: list[Port] = []
        endpoint.adopt(self)

    def _open(self, create: Callable[[], Any]) -> None:
        """Creates the port. Raises `TransportError` where the service has no room for another of this role."""
        try:
            self._port = create()
        except _ERRORS as error:
            raise TransportError(
                f"service {service_name(self._endpoint.domain, self._what)} has no room for another {self._role} "
                f"({error}), held by {self._endpoint.holders(self._what)}; stop that run or set another ROS_DOMAIN_ID"
            ) from error

    def close(self) -> None:
        """Closes the port and its parts; a second time does nothing."""
        for part in self._parts:
            part.close()
        port = vars(self).pop("_port", None)
        if port is not None:
            self._endpoint.release(port)
