"""Back ends that give the agent its policy."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from async_rl_core.algorithms.registry import make_algorithm
from async_rl_core.config.load import resolve
from async_rl_core.config.schema import Config
from async_rl_core.errors import ConfigError
from async_rl_core.learning.backend import LearningBackend, connect
from async_rl_core.learning.checkpoint import LearnerSnapshot
from async_rl_core.replay.journal.journal import read_steps
from async_rl_core.run_folder.run_folder import RunFolder
from async_rl_core.spec.observation import ObservationSpec
from async_rl_core.spec.step import SINGLE_ACTOR, Step

SMALL = {"learning.batch_size": 8, "sac.hidden_sizes": [16], "sac.encoder_channels": 4, "replay.capacity": 1000}
INITIAL = 10


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A journal is complete when it is closed, however busy the disk is."""
    monkeypatch.setattr("async_rl_core.replay.journal.journal.CLOSE_TIMEOUT", 60.0)


def test_connect_in_an_evaluation_acts_by_its_checkpoint_and_learns_nothing(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.safetensors"
    config = resolve("laptop", {"evaluation.checkpoint": path, "architecture": "seq", "agent.action_cycle_time": 0.08})
    spec, joints = ObservationSpec.from_config(config), len(config.robot.actuated_joints)
    sac = make_algorithm(config.model_copy(update={"seed": 11}), "cpu")
    sac.updates = 9
    capture = LearnerSnapshot(sac)
    capture.take(env_steps=1)
    capture.write(path)

    learning = connect(config, print)
    assert learning.updates == 9
    assert learning.poll()
    image, state = np.full((spec.image.height, spec.image.width, 9), 90, np.uint8), np.ones(3 * joints, np.float32)
    first = learning.policy.act(image, state).copy()
    frames = np.zeros((1, config.camera.height, config.camera.width, 3), np.uint8)
    assert learning.send(Step(SINGLE_ACTOR, 0, 1, 0, frames, state, first, 0.0, terminal=False))
    learning.poll()
    np.testing.assert_array_equal(learning.policy.act(image, state), first)
    assert learning.updates == 9
    learning.close()


def sequential(run_dir: Path | None, **overrides: object) -> Config:
    own = {"architecture": "seq", "run_dir": run_dir, "agent.initial_steps": INITIAL, "learner.metrics_period": 4}
    return resolve("laptop", {**SMALL, **own, "learner.max_updates_per_step": 1.0, **overrides})


def feed(learning: LearningBackend, config: Config, numbers: range) -> None:
    """Send steps of noise, and learn after each."""
    rng = np.random.default_rng(0)
    size = (1, config.camera.height, config.camera.width, 3)
    for i in numbers:
        vector, action = rng.normal(size=15).astype(np.float32), rng.uniform(-1, 1, 5).astype(np.float32)
        assert learning.send(
            Step(SINGLE_ACTOR, i, 1, i, rng.integers(0, 256, size, np.uint8), vector, action, 0.1, terminal=False)
        )
        learning.poll()


def test_connect_with_seq_resumes_from_its_records(tmp_path: Path) -> None:
    config = sequential(tmp_path)
    learning = connect(config, pytest.fail)
    feed(learning, config, range(20))
    updates = learning.updates
    assert updates == 20 - INITIAL
    assert learning.learner is not None
    parameters = learning.learner.algorithm.policy_parameters().copy()
    assert learning.trouble == ""
    learning.close()

    assert [json.loads(line)["updates"] for line in (tmp_path / "metrics.jsonl").read_text().splitlines()] == [4, 8]
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == [f"updates_{updates:012d}.safetensors"]
    assert [step.sequence for step in read_steps(RunFolder(tmp_path).journal)] == [*range(20)]

    again = connect(config, pytest.fail)
    assert again.updates == updates
    assert again.learner is not None
    np.testing.assert_array_equal(again.learner.algorithm.policy_parameters(), parameters)
    assert again.poll(), "the restored policy is not handed to the agent"
    assert again.updates == updates, "a burst of updates"
    feed(again, config, range(20, 23))
    assert again.updates == updates + 3
    again.close()


def test_connect_with_seq_saves_in_its_period(tmp_path: Path) -> None:
    config = sequential(tmp_path, **{"learner.checkpoint_period": 1e-6, "replay.journal": False})
    learning = connect(config, pytest.fail)
    feed(learning, config, range(INITIAL + 1))
    learning.close()
    names = sorted(path.name for path in (tmp_path / "checkpoints").iterdir())
    assert names[0] == "updates_000000000001.safetensors"
    assert not RunFolder(tmp_path).journal.exists()


def test_connect_with_seq_warms_up_when_idle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("async_rl_core.learning.backend.IDLE", -1.0)
    rehearsals: list[int] = []
    config = sequential(tmp_path)
    learning = connect(config, pytest.fail)
    monkeypatch.setattr(
        "async_rl_core.learning.sequential.SequentialLearning.warm_up", lambda self: rehearsals.append(self.updates)
    )
    feed(learning, config, range(INITIAL + 3))
    learning.poll()
    assert rehearsals == [0] * INITIAL + [3]  # in cycles without an update, and only in these
    learning.close()


def test_connect_with_seq_without_a_run_folder_is_refused() -> None:
    with pytest.raises(ConfigError, match="run_dir is not set"):
        connect(sequential(None), print)


def test_connect_without_seq_loads_neither_numba_nor_tensorboard() -> None:
    """They take seconds of a start on two cores."""
    code = "import sys, rl_agent_node.node; print(*{'numba', 'tensorboard', 'matplotlib'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.split() == []
