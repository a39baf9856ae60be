"""Component times: figures, table and flow."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from async_rl_core.run_folder import components
from async_rl_core.run_folder.components import COMPONENTS, NAMES, ComponentSpan, figures, key, table, timeline
from async_rl_core.run_folder.summary import Distribution

# Yuan (2022), table 5.2: high-resolution.
PAPER = {"environment": 6.0, "act": 3.0, "sample": 44.0, "transfer": 1.0, "update": 65.0, "publish": 0.5}


def run(architecture: str, cycle: float = 40.0, **changes: float | None) -> dict[str, object]:
    means = {key(name): value for name, value in (PAPER | changes).items()}
    return {"architecture": architecture, "action_cycle_ms": cycle, **means}


def test_figures_of_unmeasured_components_are_null() -> None:
    sample = Distribution("sample", "ms", 3.0, 5.0, 9.0, 3.5)
    empty = Distribution("update_cycle", "ms", 0.0, 0.0, 0.0)
    other = Distribution("lateness", "ms", 1.0, 2.0, 3.0)
    found = figures([sample, empty, other])
    assert [found[f"component_sample_{figure}_ms"] for figure in ("mean", "p50", "p99")] == [3.5, 3.0, 5.0]
    assert found["component_update_p50_ms"] is found["update_cycle_p50_ms"] is None
    assert len(found) == 3 * len(NAMES)


def test_table_names_every_component_and_its_process() -> None:
    text = "\n".join(table(run("async2") | {"update_cycle_mean_ms": 65.9}))
    assert all(name in text for name in COMPONENTS)
    assert "replay" in text and "learner" in text
    assert "65.90 ms; the longer of sampling and update 65.00, their sum 110.50" in text
    assert "every update waited" in table(run("async1"))[-1]
    sequential = "\n".join(table(run("seq", 120.0)))
    assert "replay" not in sequential
    assert "together 119.50 ms, in an action cycle of 120.00 ms" in sequential
    assert table({"architecture": "seq"}) == []


def busy(blocks: list[ComponentSpan], process: str) -> float:
    return sum(block.duration for block in blocks if block.process == process)


def starts(blocks: list[ComponentSpan], component: str) -> list[float]:
    return [block.start for block in blocks if block.component == component]


def test_timeline_of_each_architecture_has_its_update_cycle() -> None:
    sequential, one, two = (
        timeline(run(a, c), 1000.0) for a, c in (("seq", 120.0), ("async1", 40.0), ("async2", 40.0))
    )
    assert {block.process for block in sequential} == {"agent"}
    assert starts(sequential, "update")[1] - starts(sequential, "update")[0] == pytest.approx(120.0)
    assert starts(one, "update")[1] - starts(one, "update")[0] == pytest.approx(44.0 + 1.0 + 65.0 + 0.5)
    assert starts(two, "update")[1] - starts(two, "update")[0] == pytest.approx(65.5)
    for blocks in (one, two):
        assert starts(blocks, "environment")[1] == pytest.approx(40.0)


@given(st.sampled_from(["seq", "async1", "async2"]), st.floats(0.1, 300), st.floats(0.1, 300), st.floats(8, 300))
def test_timeline_spans_of_one_process_do_not_overlap(
    architecture: str, sample: float, update: float, cycle: float
) -> None:
    blocks = timeline(run(architecture, cycle, sample=sample, update=update), 2000.0)
    for process in {block.process for block in blocks}:
        own = [block for block in blocks if block.process == process]
        for one, after in pairwise(own):
            assert after.start >= one.start + one.duration - 1e-6
    if architecture == "async1":  # nor do replay and learner work at once
        ends = sorted((b.start, b.start + b.duration) for b in blocks if b.process != "agent")
        for (_, end), (start, _) in pairwise(ends):
            assert start >= end - 1e-6


def test_timeline_without_an_update_is_empty() -> None:
    assert timeline(run("async2", update=None), 1000.0) == []
    assert components.longest(run("async2", transfer=None)) is None
    assert components.chain(run("async2", publish=None)) is None
