"""Requests to a service that answers late, or never."""

from types import SimpleNamespace
from typing import Any

import pytest
from rclpy.task import Future

from async_rl_ros.service_caller import ServiceCaller


class Client:
    """A client whose requests are answered by hand."""

    def __init__(self) -> None:
        self.there = True
        self.sent: list[object] = []
        self.pending: list[Future[Any]] = []

    def service_is_ready(self) -> bool:
        return self.there

    def call_async(self, request: object) -> Future[Any]:
        self.sent.append(request)
        self.pending.append(Future())
        return self.pending[-1]

    def remove_pending_request(self, future: Future[Any]) -> None:
        self.pending.remove(future)


@pytest.fixture
def setting() -> SimpleNamespace:
    client, time, answers = Client(), SimpleNamespace(now=0.0), []
    caller = ServiceCaller(client, 5.0, lambda: time.now)  # type: ignore[arg-type]
    return SimpleNamespace(client=client, time=time, answers=answers, ask=lambda: caller.call("go", answers.append))


def test_caller_without_an_answer_keeps_one_request_in_flight(setting: SimpleNamespace) -> None:
    for _ in range(50):
        setting.ask()
        setting.time.now += 0.5
        assert len(setting.client.pending) == 1
    assert len(setting.client.sent) == 5  # each was given up after 5 s


def test_caller_after_an_answer_sends_the_next(setting: SimpleNamespace) -> None:
    assert setting.ask()
    assert not setting.ask()
    setting.client.pending.pop().set_result("done")
    assert setting.answers == ["done"]
    assert setting.ask()


def test_caller_after_its_service_went_away_calls_the_next_at_once(setting: SimpleNamespace) -> None:
    assert setting.ask()
    setting.client.there = False
    assert not setting.ask()
    setting.client.there = True
    assert setting.ask()
    assert len(setting.client.pending) == 1
