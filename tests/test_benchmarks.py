"""Arithmetic of the benchmarks, and equality of their reference with the learner."""

import json
import multiprocessing
import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from async_rl_core.algorithms.base import AlgorithmSetup
from async_rl_core.algorithms.common.networks import TwinCritic, build_gaussian_policy
from async_rl_core.algorithms.sac.config import SACConfig
from async_rl_core.policies.gaussian import GaussianPolicy
from async_rl_core.run_folder.episodes import HEADER
from benchmarks import lateness, limits, report, seeds, timing
from benchmarks.cases import BASELINE, CASES, HIGH_RESOLUTION, TARGETS, Case
from benchmarks.reference import ReferenceSAC, StackedReplay
from benchmarks.rows import Row
from benchmarks.timing import MeasurementError, Times, isolated, summarise

SMALL = Case(40, 40, 4, stored=1000)


@pytest.fixture(autouse=True)
def one_thread():
    """Uses one thread, since networks are small."""
    torch.set_num_threads(1)


def test_summarise_two_kinds_of_calls_takes_the_median_of_means():
    times = summarise([0.001, 0.003] * 50, per_round=2)
    assert times.median == pytest.approx(2.0)
    assert times.p99 == pytest.approx(3.0)


def test_isolated_failing_function_raises_measurement_error(monkeypatch):
    # Quicker than the one that imports all first; and not a fork, which copies the locks of other tests' threads.
    monkeypatch.setattr(timing, "CONTEXT", multiprocessing.get_context("spawn"))
    assert isolated(os.getpid) != os.getpid()
    with pytest.raises(MeasurementError, match=r"posix\.listdir\('/nowhere',\) ended without a result"):
        isolated(os.listdir, "/nowhere")


@pytest.mark.parametrize("load", lateness.LOADS, ids=lambda load: load.name)
def test_load_configuration_is_valid(load):
    assert lateness.settings(load).agent.initial_steps == load.initial_steps


def test_case_has_targets():
    assert set(CASES) == {"160x90_b128", "160x90_b512", "320x180_b128"}
    for name in ("sample", "update_fp32", "update_bf16", "memory"):
        assert all((name, case) in TARGETS for case in CASES)


@pytest.mark.parametrize(("median", "p99", "met"), [(0.7, 2.0, True), (0.71, 1.0, False), (0.5, 2.1, False)])
def test_row_with_two_targets_needs_both(median, p99, met):
    assert Row("inference", BASELINE.name, median, 1.0, 0.5, p99).met is met


def test_row_target_scales_with_the_machine():
    row = Row("update_fp32", BASELINE.name, 250.0, 400.0, 240.0, 300.0, yardstick=130.0)
    assert row.met is False
    assert row.document()["target_here"] == pytest.approx(220.0 * 130.0 / 104.0)
    assert row.document()["met_here"] is True
    assert row.line().endswith("NOT MET; at this machine's speed 275, met")


def test_row_is_printed_in_its_unit():
    timed = Row("sample", BASELINE.name, 2.0, 100.0, 1.5, 2.5, {"memcpy": 1.0}).document()
    assert (timed["median_ms"], timed["p99_ms"], timed["reference"], timed["limit"]) == (2.0, 2.5, 100.0, 1.5)
    assert timed["met"] is True and timed["memcpy"] == 1.0
    stored = Row("memory", HIGH_RESOLUTION.name, 18.0, 100.0, 17.0).document()
    assert stored["gigabytes"] == 18.0 and "median_ms" not in stored
    assert stored["met"] is False


def test_memory_limit_counts_each_frame_once():
    frames = 100_000 * 101 / 100
    assert limits.memory(BASELINE, 100_000) == pytest.approx(frames * 90 * 160 * 3 / 1e9)


def test_report_replaces_the_text_between_marks():
    document = "before\n<!-- results -->\nold\n<!-- end of results -->\nafter\n"
    row = Row("sample", BASELINE.name, 2.0, 100.0, 1.6, 2.5, {"reference_default_malloc": 200.0}).document()
    written = report.insert(document, "results", report.results([row]))
    assert written.startswith("before\n<!-- results -->\n| ") and written.endswith("<!-- end of results -->\nafter\n")
    assert "old" not in written
    assert "| **2** / 2.5 ms | 3 | 1.6 (1.25x) | 100 (50.0x) | 200 (100.0x) |" in written
    assert report.insert(written, "results", report.results([row])) == written
    with pytest.raises(ValueError, match="<!-- scaling -->"):
        report.insert(document, "scaling", "")


def small_reference():
    spec = SMALL.spec
    return ReferenceSAC(spec.image.channels, spec.image.height, spec.image.width, spec.state_size, 5)


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def test_reference_has_the_same_networks():
    config, spec, reference = SACConfig.from_config(SMALL.config()), SMALL.spec, small_reference()
    setup = AlgorithmSetup.from_config(SMALL.config())
    encoder, actor = build_gaussian_policy(config, config.log_std_bounds, setup)
    critic = TwinCritic(encoder.size + spec.state_size, 5, config.hidden_sizes, config.layer_norm)
    for theirs, ours in ((reference.encoder, encoder), (reference.actor, actor), (reference.critic, critic)):
        assert count(theirs) == count(ours)
    reference.encoder.convolutions.load_state_dict(encoder.convolutions.state_dict())
    images = torch.rand(2, spec.image.channels, spec.image.height, spec.image.width) * 255.0
    with torch.no_grad():
        coordinates = encoder(images).reshape(2, -1, 2)
        torch.testing.assert_close(reference.encoder(images), torch.cat((coordinates[..., 0], coordinates[..., 1]), 1))
    assert GaussianPolicy(config, config.log_std_bounds, setup).size == count(encoder) + count(actor)


def test_reference_update_changes_every_network():
    spec, reference, rng = SMALL.spec, small_reference(), np.random.default_rng(0)
    replay = StackedReplay(10, spec.image.channels, 40, 40, spec.state_size, 5)
    replay.fill(rng)
    batch = replay.sample(4, spec.image.height, spec.image.width, rng)
    assert (
        batch.images.shape == (4, spec.image.channels, spec.image.height, spec.image.width) and batch.images.max() > 1.0
    )
    networks = (reference.encoder, reference.critic, reference.target_encoder, reference.target_critic)
    before = [torch.cat([p.detach().flatten() for p in network.parameters()]) for network in networks]
    actor = reference.actor.trunk[0].weight.detach().clone()
    reference.update(batch)
    for network, old in zip(networks, before, strict=True):
        new = torch.cat([p.detach().flatten() for p in network.parameters()])
        assert torch.isfinite(new).all() and (new != old).any()
    assert (reference.actor.trunk[0].weight != actor).any()
    assert np.abs(reference.act(replay.images[0], replay.state[0])).max() <= 1.0


@pytest.mark.long
@pytest.mark.timeout(400)  # its processes import torch, beside other tests
def test_benchmarks_quick_run_writes_rows(root):
    command = [sys.executable, "-m", "benchmarks", "publication", "--quick"]
    result = subprocess.run(command, cwd=root, stdout=subprocess.PIPE, text=True, check=True)  # errors are shown
    figures = next(line for line in result.stdout.splitlines() if line.startswith("publication")).split()
    assert figures[1:3] == [BASELINE.name, "ms"]
    assert float(figures[3]) > 0.0


def test_measure_returns_milliseconds():
    assert Times(*timing.measure(lambda: None, repeats=3)).median < 1.0


def test_seeds_line_follows_from_records(tmp_path, monkeypatch):
    monkeypatch.setattr(seeds, "RESULTS", tmp_path)
    folder = tmp_path / "panda-2"
    folder.mkdir()
    history = [
        f"{i},{10.0 * i},{150 * i},0,{50.0 if i <= 3 else 200.0},{4.0 if i <= 3 else 12.0},1.0,0" for i in range(1, 16)
    ]
    (folder / "episodes.csv").write_text("\n".join([HEADER, *history, ""]))
    facts = {"random_episodes": 3, "lateness_p50_ms": 1.26, "lateness_p99_ms": 4.0, "missed_cycles": 1, "cycles": 3750}
    facts |= {"task": "visual_reacher", "wall_time_s": 900.0, "updates": 12000}
    (folder / "summary.json").write_text(json.dumps(facts))
    compared = ["50", "200", "4.0", "4", "12", "3.0"]
    line = ["panda, visual_reacher", "2", "15", *compared, "12,000", "1.3 / 4.0", "1 of 3,750"]
    assert seeds.line("panda", 2) == line
    assert len(line) == len(seeds.HEADER)
