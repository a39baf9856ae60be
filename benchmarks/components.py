"""What the components of a run cost on this machine: act, sample and update, for each preset.

    make bench                                   # every preset
    make bench ARGS="laptop --repeats 100"       # one

Medians and 99th percentiles after a warm-up, with the copy of the same bytes beside them as the machine's limit.
Writes benchmarks/results/components.json.
"""

import argparse
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from async_rl_core.algorithms.policy import Policy
from async_rl_core.algorithms.sac import SAC
from async_rl_core.algorithms.spec import ObservationSpec
from async_rl_core.algorithms.threads import keep_freed_memory, use_threads
from async_rl_core.config.load import presets, resolve
from async_rl_core.config.schema import Config
from async_rl_core.replay.batch import Batch, BatchLayout
from async_rl_core.replay.crop import Crop
from async_rl_core.replay.sampler import UniformSampler
from async_rl_core.replay.step import Step
from async_rl_core.replay.store import FrameStore

STORED = 1000
WARM_UP = 3
RESULTS = Path(__file__).parent / "results" / "components.json"


def measure(name: str, preset: str, repeats: int, call: Callable[[], object]) -> dict[str, object]:
    """Time `call` and print its row."""
    for _ in range(WARM_UP):
        call()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(1e3 * (time.perf_counter() - start))
    median, p99 = np.percentile(times, (50, 99))
    print(f"{preset:24}{name:10}{median:10.2f}{p99:10.2f}", flush=True)
    return {"name": name, "case": preset, "median_ms": round(median, 3), "p99_ms": round(p99, 3)}


def filled_store(config: Config, rng: np.random.Generator) -> FrameStore:
    """A store of `STORED` steps of noise."""
    store = FrameStore.of(config.model_copy(update={"replay": config.replay.model_copy(update={"capacity": STORED})}))
    camera, actions = config.camera, len(config.robot.actuated_joints)
    for i in range(STORED):
        frames = rng.integers(0, 256, (1, camera.height, camera.width, 3), np.uint8)
        proprioception = rng.normal(size=3 * actions).astype(np.float32)
        action = rng.uniform(-1, 1, actions).astype(np.float32)
        store.insert(Step(i, i // 101, i % 101, frames, proprioception, action, float(rng.normal()), terminal=False))
    return store


def benchmark(preset: str, repeats: int) -> list[dict[str, object]]:
    """The rows of one preset."""
    config, rng = resolve(preset), np.random.default_rng(0)
    spec, actions = ObservationSpec.of(config), len(config.robot.actuated_joints)
    layout = BatchLayout.of(config)
    crop = Crop.of(config)
    store, batch, sampler = filled_store(config, rng), layout.allocate(), UniformSampler(rng)
    copy: Batch = layout.allocate()
    sac = SAC(config.sac, spec, actions, seed=0)
    policy = Policy(config.sac, spec, actions, seed=0, threads=None)
    store.sample_into(batch, sampler, crop, rng)
    image, proprioception = batch.observation_images[0].copy(), batch.observation_proprioception[0].copy()
    return [
        measure("copy", preset, repeats, lambda: np.copyto(copy.buffer, batch.buffer)),
        measure("sample", preset, repeats, lambda: store.sample_into(batch, sampler, crop, rng)),
        measure("update", preset, max(10, repeats // 5), lambda: sac.update(batch, report=False)),
        measure("act", preset, repeats, lambda: policy.act(image, proprioception)),
    ]


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("preset", nargs="*", default=presets(), help=f"of {', '.join(presets())}")
    parser.add_argument("--repeats", type=int, default=50)
    arguments = parser.parse_args()
    keep_freed_memory()
    threads = use_threads(0)
    print(f"{threads} threads, {os.cpu_count()} cores; milliseconds")
    print(f"{'preset':24}{'component':10}{'median':>10}{'p99':>10}")
    rows = [row for preset in arguments.preset for row in benchmark(preset, arguments.repeats)]
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
