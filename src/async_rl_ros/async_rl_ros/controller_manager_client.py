"""Deactivation of a real robot's controller, after a stop or without commands."""

from importlib import import_module
from typing import Any

from rclpy.node import Node
from rclpy.task import Future

from async_rl_core.errors import SafetyError
from async_rl_ros.service_caller import ServiceCaller

MANAGER = "controller_manager/switch_controller"
TIMEOUT = 1.0
"""Seconds until a request without an answer is abandoned and may be sent again."""


class ControllerManagerClient:
    """Requests the deactivation of a velocity controller. Only a person activates it again.

    Raises `SafetyError` where controller_manager's services are not installed.
    """

    def __init__(self, node: Node, name: str) -> None:
        try:
            self._type: Any = import_module("controller_manager_msgs.srv").SwitchController
        except ImportError as error:
            raise SafetyError(
                f"controller_manager_msgs is not installed ({error}), without which {name} cannot be deactivated "
                "after a stop; install ros-<distro>-controller-manager-msgs"
            ) from None
        self._name = name
        self._manager = ServiceCaller(node.create_client(self._type, MANAGER), TIMEOUT)
        self._logger = node.get_logger()
        self._missing = False

    def deactivate(self) -> Future[Any] | None:
        """Requests the deactivation unless a request is in flight. Returns the future answer.

        Returns None, and logs it once, where controller_manager is not available.
        """
        missing = not self._manager.ready
        if missing and not self._missing:
            self._logger.error(f"{self._name} was not deactivated: {MANAGER} is not there")
        self._missing = missing
        request = self._type.Request(deactivate_controllers=[self._name], strictness=self._type.Request.BEST_EFFORT)
        self._manager.call(request, self._report)
        return self._manager.pending

    def _report(self, response: Any) -> None:
        if response is not None and response.ok:
            self._logger.info(f"{self._name} deactivated")
        else:
            self._logger.error(f"{self._name} was not deactivated: controller_manager refused")
