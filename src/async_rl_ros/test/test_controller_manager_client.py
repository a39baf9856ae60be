"""The request to controller_manager; its own messages are not needed for that, and its answer is a stand-in's."""

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from rclpy.task import Future

from async_rl_core.errors import SafetyError
from async_rl_ros.controller_manager_client import MANAGER, ControllerManagerClient


class Request:
    """Of SwitchController, as far as it is used."""

    BEST_EFFORT = 1

    def __init__(self, deactivate_controllers: list[str], strictness: int) -> None:
        self.deactivate_controllers = deactivate_controllers
        self.strictness = strictness


class Manager:
    """controller_manager's service, seen from a node that has its client."""

    def __init__(self) -> None:
        self.there = True
        self.requests: list[Request] = []
        self.futures: list[Future[Any]] = []
        self.said: list[str] = []

    def create_client(self, type_: object, name: str) -> "Manager":
        assert name == MANAGER
        return self

    def service_is_ready(self) -> bool:
        return self.there

    def call_async(self, request: Request) -> Future[Any]:
        self.requests.append(request)
        self.futures.append(Future())
        return self.futures[-1]

    def remove_pending_request(self, future: Future[Any]) -> None:
        self.futures.remove(future)

    def get_logger(self) -> SimpleNamespace:
        return SimpleNamespace(info=self.said.append, error=self.said.append)


@pytest.fixture
def manager(monkeypatch: pytest.MonkeyPatch) -> Manager:
    module = ModuleType("controller_manager_msgs.srv")
    module.SwitchController = SimpleNamespace(Request=Request)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "controller_manager_msgs", ModuleType("controller_manager_msgs"))
    monkeypatch.setitem(sys.modules, "controller_manager_msgs.srv", module)
    return Manager()


@pytest.mark.parametrize(("ok", "said"), [(True, "velocity deactivated"), (False, "velocity was not deactivated")])
def test_deactivate_requests_one_controller_and_logs_the_answer(manager: Manager, ok: bool, said: str) -> None:
    controller = ControllerManagerClient(manager, "velocity")  # type: ignore[arg-type]
    assert controller.deactivate() is manager.futures[0]
    assert controller.deactivate() is manager.futures[0]  # one request in flight
    (request,) = manager.requests
    assert (request.deactivate_controllers, request.strictness) == (["velocity"], Request.BEST_EFFORT)
    manager.futures[0].set_result(SimpleNamespace(ok=ok))
    assert said in manager.said[-1]


def test_deactivate_without_a_manager_logs_it_and_does_not_wait(manager: Manager) -> None:
    manager.there = False
    controller = ControllerManagerClient(manager, "velocity")  # type: ignore[arg-type]
    for _ in range(3):
        assert controller.deactivate() is None
    assert not manager.requests
    assert ["not there" in line for line in manager.said] == [True]  # said once


def test_client_without_the_messages_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "controller_manager_msgs", None)
    with pytest.raises(SafetyError, match="controller_manager_msgs is not installed"):
        ControllerManagerClient(Manager(), "velocity")  # type: ignore[arg-type]
