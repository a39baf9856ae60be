"""`async_rl launch reacher` for a minute: its records, and its remains."""

import csv
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import astuple
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open

from async_rl_core.config.catalogue import config_folder
from async_rl_core.config.load import read_config
from async_rl_core.run_folder.episodes import HEADER
from async_rl_core.security.access_policy import Rights, read_policies, reply, request, topic
from async_rl_core.security.keystore import enclave
from async_rl_interfaces.msg import GuardState
from testing.run_resources import processes_of

from .conftest import END, INITIAL_STEPS, LAG, TopicListener, in_time, left_episodes, until_armed

DURATION = 45.0
LOOPBACK = "0100007F"
"""127.0.0.1."""
SWITCH = "/controller_manager/switch_controller"
STATES = topic("/franka/joint_states")
"""Topics of an FR3 with franka_ros2."""
UNUSED: dict[str, set[str]] = {
    "learner_node": set(),
    "monitor_node": {
        *map(topic, ("/image_raw", "/image_converter_node/image", "/rl_agent_node/feature_points"))
    },  # videos
    "replay_node": set(),
    "rl_agent_node": {  # of seq, a real camera, a task with a state, an FR3
        *map(topic, ("/learner_node/state", "/image_converter_node/image", "/task_state")),
        STATES,
    },
    "robot_sim_node": {topic("/task_state")},  # of a task with a state
    "safety_guard_node": {topic("/robot_status"), request(SWITCH), reply(SWITCH), STATES},  # of a robot with a driver
    "visual_target_node": set(),
}
"""DDS topics that the policy of a node allows and this run does not use."""


def launch(domain: int, *arguments: str) -> subprocess.Popen[str]:
    """Starts the command in the domain."""
    return subprocess.Popen(
        ["async_rl", "launch", "reacher", *arguments],
        env={**os.environ, "ROS_DOMAIN_ID": str(domain)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def opened(pid: int) -> Iterator[str]:
    """Returns the open files of a process."""
    with suppress(OSError):
        for path in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                yield os.readlink(path)


def addresses(run_dir: Path) -> set[str]:
    """Returns the addresses to which processes of the run have bound sockets, as the kernel writes them."""
    ours = {link for pid in processes_of(run_dir) for link in opened(pid)}
    tables = [Path("/proc/net", name) for name in ("udp", "udp6", "tcp", "tcp6")]
    rows = [line.split() for table in tables if table.exists() for line in table.read_text().splitlines()[1:]]
    return {row[1].split(":")[0] for row in rows if f"socket:[{row[9]}]" in ours}


def segments(domain: int) -> list[str]:
    """Returns what is left of the run's shared memory."""
    prefix = f"async_rl-{os.getuid()}-{domain}"
    return [
        path.name for path in Path("/dev/shm").iterdir() if path.name == prefix or path.name.startswith(f"{prefix}-")
    ]


def check_files(run_dir: Path) -> None:
    """Asserts that the run folder holds the documented files."""
    config = read_config(run_dir / "config.yaml")
    assert config.agent.initial_steps == INITIAL_STEPS
    for name in ("summary.json", "learning_curve.png", "metrics.jsonl"):
        assert (run_dir / name).stat().st_size > 0
    assert list((run_dir / "tensorboard").glob("events.out.tfevents.*"))
    checkpoints = list((run_dir / "checkpoints").glob("*.safetensors"))
    assert checkpoints
    with safe_open(max(checkpoints), "numpy") as checkpoint:
        assert all(np.isfinite(checkpoint.get_tensor(name)).all() for name in checkpoint.keys())  # noqa: SIM118


def used(listener: TopicListener, node: str) -> Rights:
    """Returns the DDS topics that a node publishes and subscribes to, according to the graph."""
    if node not in listener.get_node_names():
        return Rights((), ())
    services = [name for name, _ in listener.get_service_names_and_types_by_node(node, "/")]
    clients = [name for name, _ in listener.get_client_names_and_types_by_node(node, "/")]
    publishers = [name for name, _ in listener.get_publisher_names_and_types_by_node(node, "/")]
    subscriptions = [name for name, _ in listener.get_subscriber_names_and_types_by_node(node, "/")]
    said = [*map(topic, publishers), *map(reply, services), *map(request, clients)]
    return Rights(tuple(said), (*map(topic, subscriptions), *map(request, services), *map(reply, clients)))


def check_rights(listener: TopicListener) -> None:
    """Asserts that the policy of each node allows exactly what runs use."""
    policies = {policy.enclave: policy.allowed for policy in read_policies(config_folder() / "security")}
    for node, elsewhere in UNUSED.items():
        allowed = policies[enclave(node)]
        wanted = set(allowed.publish) - elsewhere, set(allowed.subscribe) - elsewhere
        deadline = time.monotonic() + LAG
        while (found := tuple(map(set, astuple(used(listener, node))))) != wanted and time.monotonic() < deadline:
            time.sleep(0.1)  # what the graph has not told yet
        assert found == wanted, node


@pytest.mark.timeout(180)
def test_run_of_a_minute_learns(tmp_path: Path, preset: Path, domain: int, listener: TopicListener) -> None:
    run_dir = tmp_path / "run"
    process = launch(domain, f"preset:={preset}", f"duration:={DURATION}", f"run_dir:={run_dir}", "seed:=3")
    output, _ = process.communicate()
    assert process.returncode == 0, output
    check_files(run_dir)

    # Episodes that follow one another end on time: 4 s and a reset of about 3 s.
    lines = (run_dir / "episodes.csv").read_text().splitlines()
    assert lines[0] == HEADER
    rows = list(csv.DictReader(lines))
    left = left_episodes(output)
    assert len(rows) + left >= 5
    numbers, ends = (np.array([float(row[column]) for row in rows]) for column in ("episode", "wall_time_s"))
    assert abs(np.median(np.diff(ends)[np.diff(numbers) == 1]) - 7.0) < 0.5, ends
    beyond = np.diff([0, *(int(row["env_steps"]) for row in rows)]) - 100
    assert (beyond >= 0).all() and beyond.sum() <= 100 * left

    # Every transition arrived, in order; none is waiting.
    replay = listener.health["replay_node"]
    assert replay["lost steps"] == "0"
    assert int(replay["env steps"]) > INITIAL_STEPS
    assert listener.health["rl_agent_node"]["steps waiting"] == "0"

    # It learned, newer and newer policies reached the agent, and updates stayed within what a step allows.
    versions = [episode.policy_updates for episode in listener.episodes if not episode.random]
    assert versions == sorted(versions)
    assert 0 < versions[0] < versions[-1]
    assert int(rows[-1]["updates"]) > 0
    learned = listener.learner[-1]
    allowed = read_config(run_dir / "config.yaml").learner.max_updates_per_step
    assert 0 < learned.updates <= allowed * (learned.env_steps - INITIAL_STEPS + 1)

    # Deadlines: a test's machine may be busy, so only what no load explains fails: actions that are a cycle of 40 ms
    # late as a rule. The README has the figures of a quiet machine.
    summary = json.loads((run_dir / "summary.json").read_text())
    assert summary["lateness_p50_ms"] < 20.0
    assert summary["wire_latency_p50_ms"] < 30.0
    assert summary["missed_cycles"] <= 0.1 * summary["cycles"]

    # The guard armed once, saw no fault, and the last word on the wire is zero.
    assert GuardState.ARMED in listener.guard
    assert GuardState.FAULT not in listener.guard
    assert in_time(lambda: not listener.wire[-1].any())
    limits = np.array(read_config(run_dir / "config.yaml").robot.limits.velocity)
    assert (np.abs(listener.wire) <= limits).all()
    assert np.abs(listener.wire).max() > 0.1

    assert not processes_of(run_dir)
    assert not segments(domain)


@pytest.mark.timeout(120)
def test_run_signal_ends_it_cleanly(tmp_path: Path, preset: Path, domain: int, listener: TopicListener) -> None:
    """Tests Ctrl-C; tests of bring-up and of each node cover the other signals."""
    run_dir = tmp_path / "run"
    process = launch(domain, f"preset:={preset}", f"run_dir:={run_dir}")
    output, reader = until_armed(process)
    try:
        check_rights(listener)
        assert addresses(run_dir) == {LOOPBACK}
    finally:
        process.send_signal(signal.SIGINT)
        code = process.wait(timeout=END)
        reader.join()
    assert code == 0, "".join(output)
    assert not processes_of(run_dir)
    assert not segments(domain)
    assert in_time(lambda: not listener.wire[-1].any())
    assert "FAULT" not in "".join(output)


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["preset:=latpop"], "laptop"),
        (["speed:=3"], "seed"),
        (["architecture:=async3"], "async2"),
        (["image_width:=7"], "image_width"),
        (["secure:=true"], "secure:=true, but "),
    ],
)
def test_run_bad_input_is_one_line(
    domain: int, arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROS_SECURITY_KEYSTORE", str(tmp_path / "keys"))
    process = launch(domain, f"run_dir:={tmp_path / 'run'}", *arguments)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 2
    assert len(output.splitlines()) == 1
    assert said in output
    assert not (tmp_path / "run").exists()
