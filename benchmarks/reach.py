"""Learning speed of the task `reach` in simulated time: success without noise, every 50 episodes.

    nice -n 19 tools/run.sh python -m benchmarks.reach --algorithm ddpg --episodes 600

One process with one thread. The targets of the evaluations are ones that training never has.
"""

import argparse
import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from async_rl_core.config.load import resolve
from async_rl_core.config.schema import Config
from async_rl_core.experiments.simulated_evaluation import evaluate_in_simulated_time
from async_rl_core.experiments.simulated_run import SimulatedRun
from async_rl_core.learning.checkpoint import LearnerSnapshot
from async_rl_core.learning.sequential import SequentialLearning
from async_rl_core.policies.fixed import FixedPolicy
from async_rl_core.tasks.registry import make_task

EVERY = 50
"""Episodes of training between two evaluations."""
EPISODES = 20
"""Episodes of an evaluation."""


def learn(config: Config, episodes: int, folder: Path) -> Iterator[str]:
    """Trains for `episodes` episodes; yields a line after each evaluation."""
    learning = SequentialLearning(config)
    run = SimulatedRun(config, learning)
    path, snapshot = folder / "policy.safetensors", LearnerSnapshot(learning.learner.algorithm)
    fixed = {
        "agent": config.agent.model_copy(update={"initial_steps": 0}),
        "evaluation": config.evaluation.model_copy(update={"checkpoint": path}),
    }
    evaluated = config.model_copy(update=fixed)
    success = make_task(config).success
    try:
        for number, result in enumerate(islice(run.episodes(), episodes), start=1):
            if number % EVERY == 0 and learning.updates:
                snapshot.take(result.env_steps)
                snapshot.write(path)
                results = evaluate_in_simulated_time(evaluated, FixedPolicy(evaluated, path), EPISODES)
                terms = np.array([one.target_term for one in results])
                reached = f"{np.sum(terms >= success)} of {EPISODES}, mean distance {-100 * terms.mean():.1f} cm"
                yield f"episode {number}, {result.env_steps} steps, {learning.updates} updates: {reached}"
    finally:
        run.close()


def main() -> None:
    """Trains and prints a line per evaluation."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--algorithm", default="ddpg")
    parser.add_argument("--episodes", type=int, default=600)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    settings = {"algorithm": arguments.algorithm, "architecture": "seq", "learner.threads": 1, "seed": arguments.seed}
    config = resolve("gu2017_reach", settings, "panda")
    with tempfile.TemporaryDirectory() as folder:
        for line in learn(config, arguments.episodes, Path(folder)):
            print(line, flush=True)


if __name__ == "__main__":
    main()
