"""Component times of an action cycle and of an update, measured in every run (Yuan, 2022, table 5.2).

- environment: the agent's work in a cycle except action and learning: receive images, build the observation, limit
  and publish the command, compute the reward, hand the step on.
- act: the policy, from observation to action. Random cycles count neither here nor in environment.
- sample: fill a mini-batch in the learner's memory: draw transitions, gather and crop their images.
- transfer: from the end of sampling until the learner has the batch. For a batch that is ready early, it begins when
  the learner asks for it. The request itself is not counted.
- update: one gradient update, from the bytes of the mini-batch to new parameters.
- publish: publication of the new policy parameters.

update_cycle: from the end of one update to the end of the next. Cycles that waited for an environment step (rate
limiter) are not counted. With async2 it is the longer of sampling and update, with async1 their sum; with seq there
is one update per action.
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
"""Process of each component, in the order of the work; with seq, all belong to the agent."""
UPDATE_CYCLE = "update_cycle"
NAMES = (*COMPONENTS, UPDATE_CYCLE)
FIGURES = ("mean", "p50", "p99")

Figures = Mapping[str, object]
"""A run's summary."""


def figures(distributions: Iterable["Distribution"]) -> dict[str, object]:
    """Returns the summary's figures of the component times, in ms; None for those not measured."""
    measured = {d.name: d for d in distributions if d.max > 0}
    found: dict[str, object] = {}
    for name in NAMES:
        one = measured.get(name)
        for figure in FIGURES:
            found[key(name, figure)] = None if one is None else getattr(one, figure)
    return found


def key(name: str, figure: str = "mean") -> str:
    """Returns the summary's name for a figure of a component or of the update cycle."""
    return f"{name}_{figure}_ms" if name == UPDATE_CYCLE else f"component_{name}_{figure}_ms"


def mean(run: Figures, name: str) -> float | None:
    """Returns the mean of a component or of the update cycle, in ms; None if it was not measured.

    The mean rather than the median: every second update also moves actor and targets, so durations have two modes.
    Means also add up.
    """
    value = run.get(key(name))
    return value if isinstance(value, float) else None


def table(run: Figures) -> list[str]:
    """Returns a run's component times as lines of text; empty if nothing was measured."""
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
    """Returns the longer of sampling (with transfer) and update, in ms: the update cycle of async2."""
    sample, transfer, update = (mean(run, name) for name in ("sample", "transfer", "update"))
    return None if sample is None or transfer is None or update is None else max(sample + transfer, update)


def chain(run: Figures) -> float | None:
    """Returns the sum of sampling, transfer, update and publication, in ms: the update cycle of async1."""
    parts = [mean(run, name) for name in ("sample", "transfer", "update", "publish")]
    return None if None in parts else sum(part for part in parts if part is not None)


def _milliseconds(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, float) else "-"


@dataclass(frozen=True, slots=True)
class ComponentSpan:
    """One execution of a component, in ms from the left edge of the figure."""

    process: str
    component: str
    start: float
    duration: float


def timeline(run: Figures, horizon: float) -> list[ComponentSpan]:
    """Returns the flow of computation for `horizon` ms, from a run's means (Yuan, 2022, figure 4.5).

    No process waits for data. Empty if the run measured no update.
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
    # The learner starts after the first batch.
    return blocks + _repeated(LEARNER, learning, times, period, horizon, start=period if ahead else first)


def _repeated(
    process: str, names: Iterable[str], times: Mapping[str, float], period: float, horizon: float, start: float = 0.0
) -> list[ComponentSpan]:
    """Returns the components one after another, repeated until `horizon`."""
    names = list(names)
    blocks, begin = [], start
    while begin < horizon:
        now = begin
        for name in names:
            blocks.append(ComponentSpan(process, name, now, times[name]))
            now += times[name]
        begin += period
    return blocks
