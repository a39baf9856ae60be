"""Component times: what a cycle and an update are made of, measured in every run (Yuan, 2022, table 5.2).

- environment: all that the agent's process does in a cycle but choose the action and learn: take in the camera's
  images, build the observation, bend and publish the command, reward, hand the step on.
- act: the policy, from observation to action. Both are of cycles in which the policy acts, not of random ones.
- sample: fill a mini-batch: draw transitions, gather and crop their images, into the learner's memory.
- transfer: from the end of sampling to the learner's hands. For a batch that lay ready, from when the learner turned
  to it: what passes while nobody wants the batch is no cost. The request's way to replay, a wake-up, is in neither.
- update: one gradient update, from the bytes of the mini-batch to new parameters.
- publish: hand the new policy to the agent.

update_cycle: from one update's end to the next one's. Cycles whose mini-batch the rate limiter held back, because no
environment step allowed it yet, are not counted: they tell how fast data come. The architectures differ in it: with
async2 it is the longer of sampling and update, with async1 their sum; with seq an update comes once per action.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # which itself needs this module
    from async_rl_core.run_folder.summary import Distribution

AGENT, REPLAY, LEARNER = "agent", "replay", "learner"
COMPONENTS = {
    "environment": AGENT,
    "act": AGENT,
    "sample": REPLAY,
    "transfer": REPLAY,
    "update": LEARNER,
    "publish": LEARNER,
}
"""In the order of the work, with the process of each; with seq all are the agent's."""
UPDATE_CYCLE = "update_cycle"
NAMES = (*COMPONENTS, UPDATE_CYCLE)
FIGURES = ("mean", "p50", "p99")

Figures = Mapping[str, object]
"""A run's summary."""


def figures(distributions: Iterable["Distribution"]) -> dict[str, object]:
    """The summary's figures of the component times, in ms; null where nothing was measured."""
    measured = {d.name: d for d in distributions if d.max > 0}
    found: dict[str, object] = {}
    for name in NAMES:
        one = measured.get(name)
        for figure in FIGURES:
            found[key(name, figure)] = None if one is None else getattr(one, figure)
    return found


def key(name: str, figure: str = "mean") -> str:
    """What the summary calls a figure of a component, or of the update cycle."""
    return f"{name}_{figure}_ms" if name == UPDATE_CYCLE else f"component_{name}_{figure}_ms"


def mean(run: Figures, name: str) -> float | None:
    """The mean of a component, or of the update cycle, in ms; None where it was not measured.

    Not the median: every second update also moves actor and targets, and between two kinds as many of each there is
    no middle. Means add up besides.
    """
    value = run.get(key(name))
    return value if isinstance(value, float) else None


def table(run: Figures) -> list[str]:
    """A run's component times as lines of text; none where nothing was measured."""
    if all(run.get(key(name)) is None for name in NAMES):
        return []
    architecture = run.get("architecture")
    lines = [f"{f'component times ({architecture})':24}" + "".join(f"{figure:>10}" for figure in FIGURES)]
    for name, process in COMPONENTS.items():
        times = "".join(f"{_milliseconds(run.get(key(name, figure))):>10}" for figure in FIGURES)
        lines.append(f"  {AGENT if architecture == 'seq' else process:9} {name:12}{times} ms")
    return [*lines, _cycle_line(run)]


def _cycle_line(run: Figures) -> str:
    if run.get("architecture") == "seq":
        total = sum(mean(run, name) or 0.0 for name in COMPONENTS)
        return f"together {total:.2f} ms, in an action cycle of {_milliseconds(run.get('action_cycle_ms'))} ms"
    cycle = mean(run, UPDATE_CYCLE)
    if cycle is None:
        return "update cycle: not measured, every update waited for an environment step"
    compared = f"the longer of sampling and update {_milliseconds(longest(run))}, their sum {_milliseconds(chain(run))}"
    return f"update cycle: {cycle:.2f} ms; {compared}"


def longest(run: Figures) -> float | None:
    """The longer of sampling (with transfer) and update, in ms: the update cycle of async2."""
    sample, transfer, update = (mean(run, name) for name in ("sample", "transfer", "update"))
    return None if sample is None or transfer is None or update is None else max(sample + transfer, update)


def chain(run: Figures) -> float | None:
    """Sampling, transfer, update and publication one after the other, in ms: the update cycle of async1."""
    parts = [mean(run, name) for name in ("sample", "transfer", "update", "publish")]
    return None if None in parts else sum(part for part in parts if part is not None)


def _milliseconds(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, float) else "-"


@dataclass(frozen=True, slots=True)
class ComponentSpan:
    """A component at work, in ms from the picture's left edge."""

    process: str
    component: str
    start: float
    duration: float


def timeline(run: Figures, horizon: float) -> list[ComponentSpan]:
    """The flow of computation for `horizon` ms with a run's means, nobody waiting for data (Yuan, 2022, figure 4.5).

    Empty where the run measured no update.
    """
    times = {name: mean(run, name) or 0.0 for name in COMPONENTS}
    cycle = run.get("action_cycle_ms")
    if times["update"] == 0.0 or not isinstance(cycle, float):
        return []
    sequential = run.get("architecture") == "seq"
    acting = [name for name, process in COMPONENTS.items() if sequential or process == AGENT]
    blocks = _repeated(AGENT, acting, times, max(cycle, sum(times[name] for name in acting)), horizon)
    if sequential:
        return blocks
    sampling, learning = ([n for n, p in COMPONENTS.items() if p == process] for process in (REPLAY, LEARNER))
    first, then = (sum(times[name] for name in names) for names in (sampling, learning))
    ahead = run.get("architecture") == "async2"
    period = max(first, then) if ahead else first + then
    blocks += _repeated(REPLAY, sampling, times, period, horizon)
    # The first batch is sampled while nothing can be learned yet.
    return blocks + _repeated(LEARNER, learning, times, period, horizon, start=period if ahead else first)


def _repeated(
    process: str, names: Iterable[str], times: Mapping[str, float], period: float, horizon: float, start: float = 0.0
) -> list[ComponentSpan]:
    """Components one after the other, again and again."""
    names = list(names)
    blocks, begin = [], start
    while begin < horizon:
        now = begin
        for name in names:
            blocks.append(ComponentSpan(process, name, now, times[name]))
            now += times[name]
        begin += period
    return blocks
