"""The node in a process of its own, over the real middleware."""

import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import rclpy
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile

from async_rl_core.config.load import resolve, write_config
from async_rl_core.tasks.registry import make_target
from async_rl_interfaces.msg import Target
from async_rl_interfaces.srv import ResetTarget

TIMEOUT = 60.0
RUN = f"from visual_target_node import display, node; display.START_TIMEOUT = {TIMEOUT}; node.main()"
"""With time for the window's process, which others may keep from the processor."""


@pytest.fixture
def client() -> Iterator[Node]:
    """A node in a namespace of its own, so that no other test or run is heard."""
    rclpy.init()
    node = rclpy.create_node("client", namespace=f"test_{uuid.uuid4().hex}")
    yield node
    node.destroy_node()
    rclpy.shutdown()


def start(namespace: str, folder: Path, **overrides: object) -> "subprocess.Popen[str]":
    path = folder / "config.yaml"
    write_config(resolve("laptop", {"seed": 5, **overrides}), path)
    arguments = ["--ros-args", "-r", f"__ns:={namespace}", "-p", f"config:={path}"]
    return subprocess.Popen([sys.executable, "-c", RUN, *arguments], stderr=subprocess.PIPE, text=True)


@contextmanager
def running(namespace: str, folder: Path, **overrides: object) -> Iterator["subprocess.Popen[str]"]:
    process = start(namespace, folder, **overrides)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_for(node: Node, condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < deadline, "nothing came"
        rclpy.spin_once(node, timeout_sec=0.1)


def reset(node: Node, episode: int) -> ResetTarget.Response:
    service: Any = node.create_client(ResetTarget, "visual_target_node/reset")
    assert service.wait_for_service(TIMEOUT)
    future = service.call_async(ResetTarget.Request(episode=episode))
    wait_for(node, future.done)
    response = future.result()
    assert response is not None
    return response


def subscribe(node: Node) -> list[Target]:
    received: list[Target] = []
    qos = QoSProfile(depth=10, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    node.create_subscription(Target, "target", received.append, qos)
    return received


def test_visual_target_node_reset_places_the_same_target_for_the_same_episode(client: Node, tmp_path: Path) -> None:
    received = subscribe(client)
    with running(client.get_namespace(), tmp_path, task="reaching"):
        first, other, again = reset(client, 3), reset(client, 4), reset(client, 3)
        wait_for(client, lambda: bool(received) and received[-1].episode == 3)
    expected = make_target(resolve("laptop", {"seed": 5}))
    expected.reset(3)
    assert first.success
    assert (first.x, first.y) == (again.x, again.y) == (received[-1].x, received[-1].y) == expected.position(0)
    assert (first.x, first.y) != (other.x, other.y)
    assert (received[-1].radius, received[-1].width, received[-1].height) == (7, 160, 90)


def test_visual_target_node_tracking_target_moves_one_unit_a_tick_from_the_centre(client: Node, tmp_path: Path) -> None:
    received = subscribe(client)
    with running(client.get_namespace(), tmp_path, task="tracking"):
        response = reset(client, 9)
        wait_for(client, lambda: sum(m.episode == 9 for m in received) >= 5)
    expected = make_target(resolve("laptop", {"seed": 5, "task": "tracking"}))
    expected.reset(9)
    path = {expected.position(0.032 * n) for n in range(1000)}
    assert (response.x, response.y) == (80, 45)
    assert all((m.x, m.y) in path for m in received if m.episode == 9)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_visual_target_node_signals_end_it_cleanly(client: Node, tmp_path: Path, number: signal.Signals) -> None:
    received = subscribe(client)
    with running(client.get_namespace(), tmp_path, task="reaching") as process:
        wait_for(client, lambda: bool(received))
        process.send_signal(number)
        _, errors = process.communicate(timeout=TIMEOUT)
        assert (process.returncode, errors) == (0, "")


def test_visual_target_node_display_without_a_screen_is_one_line_and_exit_code_2(
    client: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"):
        monkeypatch.delenv(variable, raising=False)
    process = start(client.get_namespace(), tmp_path, display=True)
    _, errors = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 2
    assert errors.count("\n") == 1
    assert errors.startswith("error: visual_target_node: cannot open a full-screen window: no display was found")


def test_visual_target_node_of_a_task_without_a_target_tells_the_episode_alone(client: Node, tmp_path: Path) -> None:
    heard: list[Target] = []
    qos = QoSProfile(depth=10, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    client.create_subscription(Target, "target", heard.append, qos)
    with running(client.get_namespace(), tmp_path, task="reach"):
        assert reset(client, 4).success
        wait_for(client, lambda: bool(heard) and heard[-1].episode == 4)
        assert heard[-1].width == 0.0
