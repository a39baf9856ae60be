"""The node in a process of its own, between an agent's and a learner's ends of shared memory."""

import contextlib
import signal
import subprocess
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from numpy.typing import NDArray
from rclpy.node import Node

from async_rl_core.agent.outbox import Outbox
from async_rl_core.config.schema import Config
from async_rl_core.replay.journal.journal import read_steps
from async_rl_core.run_folder.run_folder import RunFolder
from async_rl_core.spec.batch import BatchLayout
from async_rl_core.spec.crop import Crop
from async_rl_core.spec.step import SINGLE_ACTOR, Step
from async_rl_core.transport.shared_memory.batches import BatchClient
from async_rl_core.transport.shared_memory.domain import SHARED_MEMORY
from async_rl_core.transport.shared_memory.service import Endpoint, in_use
from async_rl_core.transport.shared_memory.steps import StepLayout, StepPublisher
from async_rl_core.transport.steps import Ack

TIMEOUT = 60.0
INITIAL, EPISODE = 30, 20
FIRST = f"steps_{0:015d}.part"
"""A journal's first file."""
StartNode = Callable[..., "subprocess.Popen[str]"]


def make_step(config: Config, sequence: int) -> Step:
    """A step whose pixels, vectors and reward tell its number."""
    joints, camera = len(config.robot.actuated_joints), config.camera
    return Step(
        actor=SINGLE_ACTOR,
        sequence=sequence,
        episode=sequence // EPISODE,
        index=sequence % EPISODE,
        frames=np.full((1, camera.height, camera.width, 3), sequence % 256, np.uint8),
        state=np.full(3 * joints, sequence, np.float32),
        action=np.full(joints, sequence / 1000, np.float32),
        reward=float(sequence),
        terminal=False,
    )


def stack_of(sequence: int) -> NDArray[np.int64]:
    """The nine channels of any pixel of the stack at a step."""
    first = sequence // EPISODE * EPISODE
    return np.maximum([sequence - 2, sequence - 1, sequence], first).repeat(3)


def wait_until(condition: Callable[[], bool], process: "subprocess.Popen[str]") -> None:
    """Wait for something, unless the process ends before."""
    while not condition():
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.02)
            raise AssertionError(f"the node ended with {process.returncode}")


def finish(process: "subprocess.Popen[str]") -> tuple[int, str]:
    _, said = process.communicate(timeout=TIMEOUT)
    return process.returncode, said


class Agent:
    """Sends numbered steps."""

    def __init__(self, endpoint: Endpoint, config: Config) -> None:
        self._config = config
        self._publisher = StepPublisher(endpoint, StepLayout.from_config(config))
        self._outbox = Outbox(self._publisher.send, self._publisher.newest_ack)
        self.put = 0

    def step(self, count: int) -> None:
        """Queue steps and send what goes."""
        for _ in range(count):
            self._outbox.put(make_step(self._config, self.put))
            self.put += 1
        self._outbox.flush(count)

    def flush(self) -> bool:
        """Send what waits; whether none waits any longer."""
        self._outbox.flush(1000)
        return len(self._outbox) == 0

    @property
    def newest_ack(self) -> Ack | None:
        """Returns the newest acknowledgement of replay."""
        return self._publisher.newest_ack()

    def is_acknowledged(self) -> bool:
        """Whether nothing would have to be sent again."""
        return self.newest_ack is not None and self.newest_ack.sequence == self.put - 1

    @property
    def lost(self) -> int:
        """Steps that the outbox had no room for."""
        return self._outbox.lost


def test_replay_node_serves_the_steps_that_were_sent(
    config: Config, domain: str, endpoint: Endpoint, start_node: StartNode
) -> None:
    agent, process = Agent(endpoint, config), start_node(config)
    client = BatchClient(endpoint, BatchLayout.from_config(config), in_flight=1)
    agent.step(60)  # 57 with an action
    wait_until(agent.flush, process)
    crop, seen = Crop.from_config(config), set()
    for number in range(57 - INITIAL + 1):
        batch = client.receive(TIMEOUT)
        assert batch is not None
        assert batch.number == number
        assert batch.env_steps <= 57
        assert 0 < batch.sampling[0] < batch.sampling[1] < time.monotonic()
        for i, reward in enumerate(batch.reward.astype(int)):
            seen.add(reward)
            previous = reward - 1
            assert reward % EPISODE
            np.testing.assert_array_equal(batch.observation_images[i, 5, 7], stack_of(previous))
            np.testing.assert_array_equal(batch.next_images[i, 0, 0], stack_of(reward))
            np.testing.assert_array_equal(batch.observation_state[i], previous)
            np.testing.assert_array_equal(batch.next_state[i], reward)
            np.testing.assert_allclose(batch.action[i], reward / 1000)
        assert batch.observation_images.shape[1:3] == (crop.height, crop.width)
        assert (batch.bootstrap == np.float32(0.99)).all()
    assert seen == {sequence for sequence in range(60) if sequence % EPISODE}
    assert client.receive(0.5) is None, "more batches were served than the rate limiter permits"
    agent.step(1)  # it begins an episode
    wait_until(agent.is_acknowledged, process)  # so replay has seen that a request waits for a step
    agent.step(1)  # with an action
    batch = client.receive(TIMEOUT)
    assert batch is not None
    assert batch.sampling[2] == 1, "that it waited for a step is not told"
    client.close()
    process.send_signal(signal.SIGTERM)
    assert finish(process)[0] == 0


@pytest.mark.parametrize("broken", [False, True])
def test_replay_node_publishes_its_health(
    config: Config, tmp_path: Path, endpoint: Endpoint, start_node: StartNode, broken: bool
) -> None:
    """Also where the disk fails it."""
    rclpy.init()
    try:
        node: Node = rclpy.create_node("listener")
        namespace = f"/test_{uuid.uuid4().hex}"
        said: list[dict[str, str]] = []

        def hear(message: DiagnosticArray) -> None:
            for status in message.status:
                if status.name == f"{namespace}/replay_node".removeprefix("/"):
                    said.append({v.key: v.value for v in status.values} | {"message": status.message})

        node.create_subscription(DiagnosticArray, "/diagnostics", hear, 10)
        agent, process = Agent(endpoint, config), start_node(config, namespace)
        if broken:
            wait_until(RunFolder(tmp_path).journal.exists, process)
            RunFolder(tmp_path).journal.rmdir()
            RunFolder(tmp_path).journal.touch()
        agent.step(30)
        while not said or said[-1]["env steps"] != "28" or (broken and "File exists" not in said[-1]["message"]):
            agent.flush()
            rclpy.spin_once(node, timeout_sec=0.1)
        assert said[-1]["transitions"] == "28"
        assert said[-1]["lost steps"] == said[-1]["repeated steps"] == said[-1]["batches served"] == "0"
        failure = f"replay journal {RunFolder(tmp_path).journal}: File exists; steps from 0 on wait in memory"
        assert said[-1]["message"].startswith(failure if broken else "storing and serving")
        if broken:  # and takes all that waits once it can
            RunFolder(tmp_path).journal.unlink()
            while said[-1]["journal"] != "on":
                rclpy.spin_once(node, timeout_sec=0.1)
            wait_until(agent.is_acknowledged, process)
        process.send_signal(signal.SIGINT)
        assert finish(process)[0] == 0
        node.destroy_node()
    finally:
        rclpy.shutdown()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_replay_node_leaves_no_shared_memory(
    config: Config, domain: str, start_node: StartNode, number: signal.Signals
) -> None:
    process = start_node(config)
    wait_until(lambda: any("batches" in name for name in in_use(domain)), process)
    process.send_signal(number)
    assert finish(process)[0] == 0
    assert not [*SHARED_MEMORY.glob(f"async_rl-*-{domain}*")]


def test_killed_replay_node_can_be_replaced(
    config: Config, domain: str, endpoint: Endpoint, start_node: StartNode
) -> None:
    agent = Agent(endpoint, config)
    client = BatchClient(endpoint, BatchLayout.from_config(config), in_flight=1)
    for _ in range(2):
        process = start_node(config)
        while client.receive(0.01) is None:
            assert process.poll() is None
            agent.step(1)
        process.kill()
        process.wait()


@pytest.mark.timeout(300)  # five starts
def test_killed_replay_nodes_lose_no_step(
    config: Config, tmp_path: Path, endpoint: Endpoint, start_node: StartNode
) -> None:
    """Four are killed at any moment while steps come; what they had not written comes again."""
    agent, rng = Agent(endpoint, config), np.random.default_rng(0)
    for _ in range(4):
        process = start_node(config)
        agent.step(5)
        wait_until(agent.flush, process)  # it takes steps; the following it may have, have written, or neither
        for _ in range(int(rng.integers(1, 20))):
            agent.step(int(rng.integers(1, 30)))
        process.kill()
        process.wait()
    agent.step(10)
    process = start_node(config)
    wait_until(lambda: agent.flush() and agent.is_acknowledged(), process)
    process.send_signal(signal.SIGTERM)
    assert finish(process)[0] == 0
    assert agent.lost == 0
    steps = [*read_steps(RunFolder(tmp_path).journal)]
    assert [step.sequence for step in steps] == [*range(agent.put)]
    for step in steps:
        expected = make_step(config, step.sequence)
        for name in ("frames", "state", "action"):
            np.testing.assert_array_equal(getattr(step, name), getattr(expected, name))
    assert not [*RunFolder(tmp_path).journal.glob("*.part")]


def test_restarted_replay_node_serves_no_burst(
    config: Config, tmp_path: Path, endpoint: Endpoint, start_node: StartNode
) -> None:
    agent, client = Agent(endpoint, config), BatchClient(endpoint, BatchLayout.from_config(config), in_flight=1)
    process = start_node(config)
    agent.step(60)
    wait_until(lambda: agent.flush() and agent.is_acknowledged(), process)
    process.kill()
    process.wait()
    first, process = agent.newest_ack, start_node(config)
    wait_until(lambda: agent.flush() and agent.newest_ack != first, process)
    assert client.receive(0.5) is None, "none is on credit"
    agent.step(2)  # the first of them begins an episode
    wait_until(agent.flush, process)
    batch = client.receive(TIMEOUT)
    assert batch is not None
    assert batch.env_steps == 58
    assert client.receive(0.2) is None
    client.close()
    process.send_signal(signal.SIGINT)
    assert finish(process)[0] == 0


def test_replay_node_refuses_an_unreadable_journal_and_runs_without_one(
    config: Config, tmp_path: Path, endpoint: Endpoint, start_node: StartNode
) -> None:
    (RunFolder(tmp_path).journal / FIRST).mkdir(parents=True)  # in the way
    code, said = finish(start_node(config))
    assert code == 2
    assert "error: replay journal" in said
    assert "move the folder away" in said
    without = config.model_copy(update={"replay": config.replay.model_copy(update={"journal": False})})
    agent, process = Agent(endpoint, config), start_node(without)
    client = BatchClient(endpoint, BatchLayout.from_config(config), in_flight=1)
    agent.step(60)
    wait_until(lambda: agent.flush() and agent.is_acknowledged(), process)
    assert client.receive(TIMEOUT) is not None
    client.close()
    assert not [*(RunFolder(tmp_path).journal / FIRST).iterdir()]


def test_second_replay_node_names_the_holder_of_the_domain(
    config: Config, domain: str, start_node: StartNode, endpoint: Endpoint
) -> None:
    agent, first = Agent(endpoint, config), start_node(config)
    agent.step(1)
    wait_until(agent.flush, first)
    code, said = finish(start_node(config))
    assert code == 2
    error = [line for line in said.splitlines() if line.startswith("error:")]
    assert len(error) == 1
    assert f"async_rl/{domain}/" in error[0]
    assert f"replay_node, pid {first.pid}" in error[0]
    assert "ROS_DOMAIN_ID" in error[0]
    first.send_signal(signal.SIGINT)
    assert finish(first)[0] == 0


def test_replay_node_refuses_a_configuration_that_it_cannot_serve(config: Config, start_node: StartNode) -> None:
    seq = config.model_copy(update={"architecture": "seq"})
    code, said = finish(start_node(seq))
    assert code == 2
    assert "error: replay_node: with architecture seq" in said
    replay = config.replay.model_copy(update={"capacity": 10**9})
    code, said = finish(start_node(config.model_copy(update={"replay": replay})))
    assert code == 2
    assert "error: replay.capacity 1000000000 at 80x45 needs" in said
