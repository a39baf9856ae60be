"""Two agents feed one replay process through shared memory; each is a process of its own."""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from async_rl_core.config.load import write_config
from async_rl_core.config.schema import Config
from async_rl_core.replay.journal.journal import read_steps
from async_rl_core.run_folder.run_folder import RunFolder
from async_rl_core.spec.batch import BatchLayout
from async_rl_core.spec.sizes import StepSizes
from async_rl_core.transport.shared_memory.batches import BatchClient
from async_rl_core.transport.shared_memory.service import Endpoint

from .agent_process import ACTORS, EPISODE, make_step
from .conftest import TIMEOUT, StartNode

AGENT = Path(__file__).with_name("agent_process.py")


class Agent:
    """A process that runs `agent_process.py`."""

    def __init__(self, domain: str, actor: str, config: Path) -> None:
        self.actor, self.acknowledged = actor, -1
        arguments = [sys.executable, str(AGENT), domain, actor, str(config)]
        self.process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def wait_until_acknowledged(self, sequence: int) -> None:
        assert self.process.stdout is not None
        while self.acknowledged < sequence:
            line = self.process.stdout.readline()
            assert line, f"the agent '{self.actor}' ended"
            self.acknowledged = int(line)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def finish(self) -> int:
        """Ends it once all its steps are acknowledged; returns the newest."""
        output, _ = self.process.communicate("end\n", timeout=TIMEOUT)
        assert self.process.returncode == 0
        self.acknowledged = int([str(self.acknowledged), *output.split()][-1])
        return self.acknowledged


@pytest.fixture
def config(config: Config) -> Config:
    """Has room for all steps, so that the journal keeps them all too."""
    return config.model_copy(update={"replay": config.replay.model_copy(update={"capacity": 20_000})})


@pytest.fixture
def start_agent(config: Config, tmp_path: Path, domain: str) -> Iterator[Callable[[str], Agent]]:
    path = tmp_path / "agents.yaml"
    write_config(config, path)
    agents: list[Agent] = []

    def start(actor: str) -> Agent:
        agents.append(Agent(domain, actor, path))
        return agents[-1]

    yield start
    for agent in agents:
        if agent.process.poll() is None:
            agent.kill()
        if agent.process.stdout is not None:
            agent.process.stdout.close()


def check_journal(config: Config, folder: Path, newest: dict[str, int]) -> None:
    """Every step of each actor is there once, with its own content."""
    sizes = StepSizes.from_config(config)
    for actor in ACTORS:
        steps = [*read_steps(RunFolder(folder).journal, actor)]
        assert [step.sequence for step in steps] == [*range(newest[actor] + 1)]
        for step in steps:
            expected = make_step(sizes, actor, step.sequence)
            assert (step.actor, step.episode, step.index, step.reward) == (
                actor,
                expected.episode,
                expected.index,
                expected.reward,
            )
            for name in ("frames", "state", "action"):
                np.testing.assert_array_equal(getattr(step, name), getattr(expected, name))


def check_transitions(client: BatchClient) -> set[int]:
    """Every pair is of one actor's consecutive steps; returns the actors, 1 and 2."""
    batch = client.receive(TIMEOUT)
    assert batch is not None
    ends = batch.reward.astype(int)
    np.testing.assert_array_equal(batch.next_state, np.repeat(ends[:, None], batch.next_state.shape[1], axis=1))
    np.testing.assert_array_equal(batch.observation_state, batch.next_state - 1)
    for i, end in enumerate(ends):
        actor, sequence = divmod(end, 1_000_000)
        first = sequence // EPISODE * EPISODE
        for last, images in ((sequence - 1, batch.observation_images), (sequence, batch.next_images)):
            stack = np.maximum([last - 2, last - 1, last], first) + 100 * (actor - 1)
            np.testing.assert_array_equal(images[i, 3, 4], (stack % 256).repeat(3))
    return set(ends // 1_000_000)


@pytest.mark.timeout(240)
def test_agent_killed_beside_another_loses_doubles_and_mixes_no_step(
    config: Config,
    tmp_path: Path,
    domain: str,
    endpoint: Endpoint,
    start_node: StartNode,
    start_agent: Callable[[str], Agent],
) -> None:
    replay, left, right = start_node(config), start_agent("left"), start_agent("right")
    client = BatchClient(endpoint, BatchLayout.from_config(config), in_flight=1)
    for _ in range(2):
        newest = left.acknowledged
        for agent in (left, right):
            agent.wait_until_acknowledged(agent.acknowledged + 60)
        left.kill()
        right.wait_until_acknowledged(right.acknowledged + 30)
        left = start_agent("left")
        left.wait_until_acknowledged(newest + 61)
    left.wait_until_acknowledged(left.acknowledged + 60)
    seen = set().union(*(check_transitions(client) for _ in range(5)))
    assert seen == {1, 2}
    client.close()
    ends = {"left": left.finish(), "right": right.finish()}
    replay.send_signal(signal.SIGTERM)
    replay.wait(TIMEOUT)
    assert replay.returncode == 0
    check_journal(config, tmp_path, ends)


@pytest.mark.timeout(240)
def test_replay_killed_between_two_agents_loses_no_step_of_either(
    config: Config, tmp_path: Path, endpoint: Endpoint, start_node: StartNode, start_agent: Callable[[str], Agent]
) -> None:
    replay, agents = start_node(config), [start_agent(actor) for actor in ACTORS]
    for agent in agents:
        agent.wait_until_acknowledged(50)
    replay.kill()
    replay.wait()
    replay = start_node(config)
    for agent in agents:
        agent.wait_until_acknowledged(agent.acknowledged + 100)
    ends = {agent.actor: agent.finish() for agent in agents}
    replay.send_signal(signal.SIGTERM)
    replay.wait(TIMEOUT)
    assert replay.returncode == 0
    check_journal(config, tmp_path, ends)
