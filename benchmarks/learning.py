"""Learning speed of variants of the laptop preset, in simulated time, seed by seed.

    python benchmarks/learning.py                               # all variants, three seeds; hours
    python benchmarks/learning.py laptop bf16 --seeds 1 --steps 3000

Simulated time gives every variant the same experience per update, however fast the machine and whatever else it does.
Each run is a process of its own and writes its episodes to
benchmarks/results/learning/<variant>-<seed>.csv; a run that is there already is not repeated. The table goes to
benchmarks/results/learning.md, the curves to docs/images/tuning.png.
"""

import argparse
import csv
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from async_rl_core.bringup.graph import learner_environment
from async_rl_core.config.load import resolve
from async_rl_core.config.schema import Config
from async_rl_core.experiments.simulated_run import SimulatedRun
from async_rl_core.learning.sequential import SequentialLearning

RESULTS = Path(__file__).parent / "results" / "learning"
PICTURE = Path(__file__).parent.parent / "docs" / "images" / "tuning.png"
LAST = 10
"""Episodes at the end that count as learned."""


@dataclass(frozen=True)
class Variant:
    """One change of the laptop preset."""

    overrides: Mapping[str, object]
    reason: str


PLAIN = {
    "learner.max_updates_per_step": 1.0,
    "sac.encoder_tau": 0.05,
    "sac.reuse_features": False,
    "learning.precision": "fp32",
}
"""The preset without what makes it fast: the papers' update rules on a small image and network."""
SHARED = {"sac.encoder_tau": 1.0, "sac.reuse_features": True}

VARIANTS = {
    "plain": Variant(PLAIN, "the papers' update rules, small"),
    "no layer norm": Variant({**PLAIN, "sac.layer_norm": False}, "the papers' MLPs"),
    "crop 1%": Variant({**PLAIN, "replay.crop_fraction": 0.01}, "the papers' crop: one pixel at this size"),
    "two updates": Variant({**PLAIN, "learner.max_updates_per_step": 2.0}, "more learning from each step"),
    "shared encoder": Variant({**PLAIN, **SHARED}, "two passes over the images less per update"),
    "bf16": Variant({**PLAIN, "learning.precision": "bf16"}, "half the bytes in the convolutions"),
    "laptop": Variant({}, "the last three together"),
}


@dataclass(frozen=True)
class Episode:
    """One row of a run's file."""

    episode: int
    env_steps: int
    updates: int
    episode_return: float
    target_term: float
    random: bool
    update_ms: float


def configuration(variant: str, seed: int) -> Config:
    """A variant of the laptop preset, for one process with one thread."""
    fixed = {"architecture": "seq", "learner.threads": 1, "seed": seed}
    return resolve("laptop", {**VARIANTS[variant].overrides, **fixed})


def learn(config: Config, env_steps: int) -> list[Episode]:
    """Run until `env_steps` environment steps are done."""
    learning = SequentialLearning(config)
    run = SimulatedRun(config, learning)
    count = env_steps // round(config.agent.episode_duration / config.agent.action_cycle_time)
    episodes = []
    for result in islice(run.episodes(), count):
        update_ms = learning.learner.updating.percentile(50) if learning.updates else 0.0
        terms = (result.episode_return, result.target_term, result.random, update_ms)
        episodes.append(Episode(result.episode, result.env_steps, learning.updates, *terms))
    run.close()
    return episodes


def path_of(variant: str, seed: int) -> Path:
    """The file of a run."""
    return RESULTS / f"{variant.replace(' ', '_').replace('%', '')}-{seed}.csv"


def write(path: Path, episodes: Sequence[Episode]) -> None:
    """Write a run's file, whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".part")
    with temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(Episode.__dataclass_fields__))
        writer.writeheader()
        writer.writerows(asdict(episode) for episode in episodes)
    temporary.replace(path)


def read(path: Path) -> list[Episode]:
    """Read a run's file."""
    with path.open(newline="", encoding="utf-8") as file:
        return [
            Episode(
                int(row["episode"]),
                int(row["env_steps"]),
                int(row["updates"]),
                float(row["episode_return"]),
                float(row["target_term"]),
                row["random"] == "True",
                float(row["update_ms"]),
            )
            for row in csv.DictReader(file)
        ]


def ratio(episodes: Iterable[Episode]) -> float:
    """Mean target term of the last episodes over that of the random ones."""
    rows = list(episodes)
    random = np.mean([row.target_term for row in rows if row.random])
    return float(np.mean([row.target_term for row in rows[-LAST:]]) / random)


def table(runs: Mapping[str, Mapping[int, Sequence[Episode]]]) -> str:
    """The markdown table of all runs."""
    lines = [
        "| Variant | Why | Last 10 / random, by seed | Target term, all learning episodes |",
        "|---|---|---|---|",
    ]
    for variant, by_seed in runs.items():
        ratios = ", ".join(f"{ratio(rows):.1f}" for rows in by_seed.values())
        means = [np.mean([row.target_term for row in rows if not row.random]) for rows in by_seed.values()]
        error = np.std(means, ddof=1) / np.sqrt(len(means)) if len(means) > 1 else 0.0
        reason = VARIANTS[variant].reason
        lines.append(f"| {variant} | {reason} | {ratios} | {np.mean(means):.2f} ± {error:.2f} |")
    return "\n".join(lines) + "\n"


def draw(runs: Mapping[str, Mapping[int, Sequence[Episode]]]) -> None:
    """One line per variant, the mean of its seeds, smoothed over ten episodes."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 4.5), layout="constrained")
    kernel = np.ones(LAST) / LAST
    for variant, by_seed in runs.items():
        shortest = min(len(rows) for rows in by_seed.values())
        terms = np.mean([[row.target_term for row in rows[:shortest]] for rows in by_seed.values()], axis=0)
        steps = [row.env_steps for row in next(iter(by_seed.values()))[:shortest]]
        axes.plot(steps[LAST - 1 :], np.convolve(terms, kernel, "valid"), label=variant)
    axes.set(xlabel="environment steps", ylabel=f"target term, mean of {LAST} episodes", title="Variants of laptop")
    axes.legend(frameon=False)
    axes.grid(alpha=0.3)
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(PICTURE, dpi=120)


def main() -> None:
    """Run what is missing, then write the table and the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("variant", nargs="*", default=list(VARIANTS), help=f"of {', '.join(VARIANTS)}")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--steps", type=int, default=5000, help="environment steps of each run")
    parser.add_argument("--child", action="store_true", help="do one run in this process")
    arguments = parser.parse_args()
    if arguments.child:
        (variant,), (seed,) = arguments.variant, arguments.seeds
        write(path_of(variant, seed), learn(configuration(variant, seed), arguments.steps))
        return
    for seed in arguments.seeds:
        for variant in arguments.variant:
            if not path_of(variant, seed).exists():
                _start_child(variant, seed, arguments.steps)
    found = {v: {s: read(path_of(v, s)) for s in arguments.seeds} for v in arguments.variant}
    text = table(found)
    RESULTS.with_suffix(".md").write_text(text, encoding="utf-8")
    draw(found)
    print(text)


def _start_child(variant: str, seed: int, steps: int) -> None:
    start = time.monotonic()
    command = [sys.executable, __file__, variant, "--child", "--seeds", str(seed), "--steps", str(steps)]
    environment = os.environ | learner_environment(configuration(variant, seed))
    subprocess.run(command, env=environment, check=True)
    print(f"{variant}, seed {seed}: {time.monotonic() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
