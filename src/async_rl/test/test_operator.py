"""`async_rl arm`, `disarm` and `reset-fault`, in a process of their own as a person starts them."""

import os
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator

import pytest
import rclpy
from rclpy.executors import SingleThreadedExecutor
from std_srvs.srv import Trigger

from async_rl.command import main

DOMAIN = (int(os.environ.get("ROS_DOMAIN_ID", "0")) + 30) % 101
RUN = "import sys; from async_rl.command import main; {}sys.exit(main(sys.argv[1:]))"
IMPATIENT = "from async_rl import operator; operator.DISCOVERY_TIMEOUT = 0.5; "


class StandIn:
    """Answers the three services as a guard would, over the real middleware."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.answers: dict[str, tuple[bool, str]] = {}
        self.context = rclpy.Context()
        rclpy.init(context=self.context, domain_id=DOMAIN)
        self.node = rclpy.create_node(f"guard_{uuid.uuid4().hex}", context=self.context)
        for name in ("arm", "disarm", "reset_fault"):
            self.node.create_service(Trigger, f"/safety_guard_node/{name}", self._answer(name))
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.node)
        self.thread = threading.Thread(target=self.executor.spin)
        self.thread.start()

    def _answer(self, name: str) -> Callable[[Trigger.Request, Trigger.Response], Trigger.Response]:
        def answer(request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
            self.calls.append(name)
            response.success, response.message = self.answers[name]
            return response

        return answer

    def close(self) -> None:
        self.executor.shutdown()
        self.thread.join()
        self.node.destroy_node()
        self.context.shutdown()


@pytest.fixture
def guard() -> Iterator[StandIn]:
    guard = StandIn()
    yield guard
    guard.close()


def typed(*words: str, before: str = "") -> "subprocess.CompletedProcess[str]":
    ambient = {**os.environ, "ROS_DOMAIN_ID": str(DOMAIN)}
    return subprocess.run(
        [sys.executable, "-c", RUN.format(before), *words], env=ambient, capture_output=True, text=True, timeout=60
    )


def test_operator_commands_print_the_guards_answer(guard: StandIn) -> None:
    guard.answers = {"arm": (False, "not armed: the arm is not at rest"), "reset_fault": (True, "fault cleared")}
    done = typed("reset-fault")
    assert (done.returncode, done.stdout, done.stderr) == (0, "fault cleared\n", "")
    done = typed("arm")
    assert (done.returncode, done.stdout) == (1, "refused: not armed: the arm is not at rest\n")
    assert guard.calls == ["reset_fault", "arm"]


def test_operator_without_a_guard_names_the_domain() -> None:
    done = typed("disarm", before=IMPATIENT)
    assert done.returncode == 1
    assert f"error: no safety guard found in ROS domain {DOMAIN} within 0.5 s" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("words", [("arm", "now"), ("disarm", "secure:=maybe"), ("reset-fault", "--force")])
def test_operator_wrong_arguments_are_refused(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    assert capsys.readouterr().err.startswith("error: ")


def test_command_with_a_middleware_that_is_not_installed_is_one_line() -> None:
    environment = {**os.environ, "RMW_IMPLEMENTATION": "rmw_cyclonedds_cpp"}
    done = subprocess.run(
        [sys.executable, "-c", RUN.format(""), "arm"], env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2
    assert done.stderr.startswith("error: RMW_IMPLEMENTATION is 'rmw_cyclonedds_cpp'")
    assert done.stderr.count("\n") == 1
