"""Promise 14, for messages: no message and no request makes a node end or hang."""

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from importlib import import_module
from inspect import unwrap
from math import isfinite
from pathlib import Path
from random import Random
from typing import Any

import rclpy

from async_rl_core.config.load import read_config, write_config
from async_rl_core.sim.model import urdf_text
from faults.campaign import Campaign, run_config
from faults.random_message import RandomMessages
from faults.report import Row
from faults.rows.fuzz import mutated, outcome

STARTS = 60.0
"""Seconds until all nodes run; each case has its own limit."""
RCLPYS = ("rcl_interfaces", "type_description_interfaces")
"""Packages of the services that rclpy adds to every node."""
DAMAGED = 5
"""Number of robot descriptions besides the correct one."""
ENCODINGS = ("rgb8", "bgr8", "mono8", "yuv422_yuy2")


def said(campaign: Campaign, random: Random) -> list[Row]:
    """Runs all nodes in a separate process, which a native crash would end."""
    cases = campaign.repeats(short=150, long=20_000)
    config = run_config(campaign, "messages", record_video=True)
    assert config.run_dir is not None
    config.run_dir.mkdir(exist_ok=True)
    path = config.run_dir / "config.yaml"
    write_config(config, path)
    words = [sys.executable, "-m", "faults.rows.messages", str(path), str(cases), str(random.random())]
    done = subprocess.run(words, capture_output=True, text=True, timeout=STARTS + 0.1 * cases * len(NODES))
    if done.returncode != 0:
        raise RuntimeError(f"ended with {done.returncode}: {done.stderr[-2000:]}")
    return [_row(name, Counter(found), cases) for name, found in json.loads(done.stdout.splitlines()[-1]).items()]


def _row(name: str, found: Counter[str], cases: int) -> Row:
    taken, refused = found.pop("read", 0), found.pop("refused", 0)
    measured = f"{taken} taken, {refused} refused with an error of ours, {dict(found) or '0'} otherwise"
    return Row(14, f"odd messages to {name}", "0 crashes, 0 hangs, only our own exceptions", measured, cases, not found)


def _guard_cycle(node: Any) -> None:
    node._send(time.monotonic())
    assert all(isfinite(value) for value in node._commands.message.data), "not finite on the wire"


NODES: dict[str, tuple[str, Callable[[Any], object]]] = {
    "safety_guard_node": ("SafetyGuardNode", _guard_cycle),
    "rl_agent_node": ("RLAgentNode", lambda node: node._cycle()),
    "robot_sim_node": ("RobotSimNode", lambda node: node._tick(time.monotonic())),
    "visual_target_node": ("VisualTargetNode", lambda node: node._publish()),
    "monitor_node": ("MonitorNode", lambda node: node._serve()),
}
"""Returns class and loop step of each node by name; the monitor is last, since it lowers the process's priority."""


def _feed(config: Path, cases: int, seed: str) -> dict[str, Counter[str]]:
    rclpy.init(args=["--ros-args", "-p", f"config:={config}", "--log-level", "fatal"])
    robot, camera = read_config(config).robot, read_config(config).camera
    sizes = (camera.width, camera.height, camera.width * 3, len(robot.joints))
    urdf = urdf_text(robot).encode()
    found = {}
    for name, (class_, cycle) in NODES.items():
        node = getattr(import_module(f"{name}.node"), class_)()
        random = Random(f"{seed}-{name}")
        texts = [mutated(urdf, random).decode(errors="replace") for _ in range(DAMAGED)] + [urdf.decode()]
        made = RandomMessages(random, (*robot.joints, *ENCODINGS), sizes, texts)
        found[name] = _outcomes(node, made, cycle, cases)
        node.close()
        node.destroy_node()
    rclpy.shutdown()
    return found


def _outcomes(node: Any, made: RandomMessages, cycle: Callable[[Any], object], cases: int) -> Counter[str]:
    """Returns the outcomes of messages to each subscription and requests to each service, and of the loop."""
    cycle(node)  # some listen only then
    services = [one for one in node.services if one.srv_type.__module__.split(".")[0] not in RCLPYS]
    own: list[tuple[Any, Any, tuple[Any, ...]]]
    own = [(unwrap(one.callback), one.msg_type, ()) for one in node.subscriptions]  # a node logs what it cannot take
    own += [(one.callback, one.srv_type.Request, (one.srv_type.Response(),)) for one in services]
    found: Counter[str] = Counter()
    for number in range(cases):
        callback, kind, more = own[number % len(own)]
        message = made.message(kind)
        found[outcome(partial(callback, message, *more))] += 1
        found[outcome(partial(cycle, node))] += 1
    for timer in node.timers:  # what it makes of all that in /diagnostics
        found[outcome(timer.callback)] += 1
    return found


if __name__ == "__main__":
    print(json.dumps(_feed(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])))
