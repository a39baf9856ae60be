"""The controller of a real robot, which is switched off once the arm has been stopped for good, or nobody leads it."""

from importlib import import_module
from typing import Any

from rclpy.node import Node
from rclpy.task import Future

from async_rl_core.errors import SafetyError

MANAGER = "controller_manager/switch_controller"


class Controller:
    """Asks controller_manager to deactivate a velocity controller. To activate it again is for a person.

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
        self._client = node.create_client(self._type, MANAGER)
        self._logger = node.get_logger()

    def deactivate(self) -> Future[Any] | None:
        """Ask for it, and return the answer to come; None where controller_manager is not there."""
        if not self._client.service_is_ready():
            self._logger.error(f"{self._name} was not deactivated: {MANAGER} is not there")
            return None
        request = self._type.Request(deactivate_controllers=[self._name], strictness=self._type.Request.BEST_EFFORT)
        future: Future[Any] = self._client.call_async(request)
        future.add_done_callback(self._report)
        return future

    def _report(self, future: Future[Any]) -> None:
        response = future.result()
        if response is not None and response.ok:
            self._logger.info(f"{self._name} deactivated")
        else:
            self._logger.error(f"{self._name} was not deactivated: controller_manager refused")
