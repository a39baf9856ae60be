"""Stable-Baselines3's SAC, unchanged, on a task of async_rl, in simulated time. How well it learns was not measured.

    tools/run.sh python examples/sb3_sac.py --steps 20000
    tools/run.sh python examples/sb3_sac.py --env async_rl/PandaVisualReacher-v0

Simulated time stands still while this learner updates; in a real run, async_rl's processes act meanwhile. The image
is that of the preset `laptop`, which suits two processor cores.
"""

import argparse

import gymnasium
from stable_baselines3 import SAC
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.monitor import Monitor

import async_rl_core.gym

gymnasium.register_envs(async_rl_core.gym)


class Report(BaseCallback):
    """Prints a line per episode."""

    def __init__(self) -> None:
        super().__init__()
        self.returns: list[float] = []

    def _on_step(self) -> bool:
        for info in self.locals["infos"]:
            if "episode" in info:
                self.returns.append(float(info["episode"]["r"]))
                print(f"step {self.num_timesteps:6d}  episode {len(self.returns):4d}  return {self.returns[-1]:8.1f}")
        return True


def learn(env_id: str, steps: int, seed: int, learning_starts: int) -> tuple[SAC, list[float]]:
    """Returns the learner after `steps` steps, the first `learning_starts` random, and the returns of its episodes."""
    env = Monitor(gymnasium.make(env_id, preset="laptop"))
    model = SAC(
        "MultiInputPolicy",
        env,
        learning_rate=3e-4,
        buffer_size=max(steps, 1000),
        batch_size=64,
        learning_starts=learning_starts,
        policy_kwargs={"net_arch": [256, 256]},
        seed=seed,
    )
    report = Report()
    model.learn(steps, callback=report)
    env.close()
    return model, report.returns


def main() -> None:
    """Learns as the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--env", default="async_rl/UR5Reacher-v0", help="name of the environment")
    parser.add_argument("--steps", type=int, default=20_000, help="environment steps")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--learning-starts", type=int, default=1000, help="random steps at the start")
    arguments = parser.parse_args()
    learn(arguments.env, arguments.steps, arguments.seed, arguments.learning_starts)


if __name__ == "__main__":
    main()
