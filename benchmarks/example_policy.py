"""Trains the example policy of the suite, config/examples/ur5_reaching.*, in simulated time.

    nice -n 19 tools/run.sh python benchmarks/example_policy.py --seed 2 --steps 15000

Simulated time waits for the learner, so it does not matter how busy the machine is: the same seed gives the same
policy on one machine and in one version. Kept is the policy after the ten successive episodes of the largest mean
target term. It is then evaluated without noise, on targets that training never has. About 15 minutes on a core of its
own.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import islice
from pathlib import Path

import numpy as np
import torch

from async_rl_core.bringup.graph import learner_environment
from async_rl_core.config.load import resolve
from async_rl_core.config.schema import Config
from async_rl_core.evaluation.example import EXAMPLES, NAME
from async_rl_core.evaluation.scores import Scores, success_threshold
from async_rl_core.experiments.simulated_evaluation import evaluate_in_simulated_time
from async_rl_core.experiments.simulated_run import SimulatedRun
from async_rl_core.learning.checkpoint_file import Arrays, read_checkpoint, write_checkpoint
from async_rl_core.learning.sequential import SequentialLearning
from async_rl_core.policies.base import LearnedPolicy
from async_rl_core.policies.fixed import FixedPolicy
from async_rl_core.run_folder.episodes import EpisodeRow

FOLDER = Path(__file__).parent.parent / "config" / EXAMPLES
LAST = 10
EPISODES = 20
"""Episodes of the evaluation."""


def configuration(seed: int) -> Config:
    """Returns the training configuration: the example's settings, in one process with one thread."""
    fixed = {"architecture": "seq", "learner.threads": 1, "seed": seed, "record_video": False}
    return resolve(str(FOLDER / f"{NAME}.yaml"), fixed)


def train(config: Config, env_steps: int, path: Path) -> None:
    """Learns for `steps` steps and writes the best policy."""
    learning = SequentialLearning(config)
    run = SimulatedRun(config, learning)
    terms: list[float] = []
    best, start = 0.0, time.monotonic()
    per_episode = round(config.agent.episode_duration / config.agent.action_cycle_time)
    for result in islice(run.episodes(), env_steps // per_episode):
        terms.append(result.target_term)
        last = float(np.mean(terms[-LAST:]))
        print(
            f"{time.monotonic() - start:7.0f} s  episode {result.episode:4d}  step {result.env_steps:6d}  "
            f"updates {learning.updates:6d}  target {result.target_term:7.3f}  last {LAST}: {last:7.3f}",
            flush=True,
        )
        if len(terms) >= LAST and last > best and learning.updates:
            best = last
            header: dict[str, object] = {
                "algorithm": config.algorithm,
                "updates": learning.updates,
                "env_steps": result.env_steps,
                "target_term_last_10": last,
            }
            write_checkpoint(path, header, _policy_arrays(learning.policy))
    run.close()


def card(path: Path, config: Config, env_steps: int) -> dict[str, object]:
    """Returns origin and scores of the policy, without noise, on evaluation targets."""
    settings = {"evaluation.checkpoint": str(path), "agent.initial_steps": 0, "seed": 1, "record_video": False}
    evaluated = resolve(str(FOLDER / f"{NAME}.yaml"), settings)
    results = evaluate_in_simulated_time(evaluated, FixedPolicy(evaluated, path), EPISODES)
    rows = [EpisodeRow(r.episode, 0.0, r.env_steps, 0, r.episode_return, r.target_term, 0.0, 0) for r in results]
    scores = Scores.of(rows, success_threshold(evaluated)).document()
    stored = read_checkpoint(path)
    return {
        "task": config.task,
        "robot": config.robot.name,
        "command": f"tools/run.sh python benchmarks/example_policy.py --seed {config.seed} --steps {env_steps}",
        "trained": "in simulated time, simulated arm and camera, one thread",
        "kept": f"the policy after the {LAST} successive episodes of the largest mean target term",
        "updates": stored.updates,
        "env_steps": stored.env_steps,
        "evaluation_without_noise": {key: _rounded(value) for key, value in scores.items() if key != "missed_cycles"},
        "bytes": path.stat().st_size,
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "async_rl": version("async_rl_core"),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "licence": "Apache-2.0",
    }


def _policy_arrays(policy: LearnedPolicy) -> Arrays:
    """Returns the parameters of encoder and actor, named as in a whole checkpoint."""
    return {
        f"{kind}.{name}": parameter.detach().numpy().copy()
        for kind, network in policy.networks.items()
        for name, parameter in network.named_parameters()
    }


def _rounded(value: object) -> object:
    return round(value, 3) if isinstance(value, float) else value


def main(words: Sequence[str] | None = None) -> None:
    """Trains in a separate process with the learner's environment, then writes the card."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--steps", type=int, default=15_000, help="environment steps")
    parser.add_argument("--child", action="store_true", help="train in this process")
    parser.add_argument(
        "--card-only", action="store_true", help="evaluate the policy that is there, and write its card"
    )
    arguments = parser.parse_args(words)
    config, path = configuration(arguments.seed), FOLDER / f"{NAME}.safetensors"
    if arguments.child:
        train(config, arguments.steps, path)
        return
    if not arguments.card_only:
        command = [sys.executable, __file__, "--child", "--seed", str(arguments.seed), "--steps", str(arguments.steps)]
        subprocess.run(command, env=os.environ | learner_environment(config), check=True)
    figures = card(path, config, arguments.steps)
    (FOLDER / f"{NAME}.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
