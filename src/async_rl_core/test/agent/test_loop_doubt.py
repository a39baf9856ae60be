"""Steps of the loop that become experience where camera, guard or target cannot be trusted."""

import pytest

from async_rl_core.agent.camera_health import TIMEOUT
from async_rl_core.agent.episode_state_machine import Phase
from async_rl_core.agent.loop import FRAME_TIMEOUT
from async_rl_core.agent.run_progress import RunProgress
from async_rl_core.config.schema import Config

from .loop_bench import CYCLE, Bench


@pytest.mark.parametrize("failure", ["camera", "guard"])
def test_loop_untrusted_input_ends_the_episode_with_the_arm_at_rest(bench: Bench, failure: str) -> None:
    bench.until(episodes=1)
    for _ in range(120):
        bench.cycle()
    assert bench.loop.phase is Phase.RUNNING
    recorded = len(bench.steps)
    if failure == "camera":
        bench.camera = False
        for _ in range(int(FRAME_TIMEOUT / CYCLE) + 1):
            velocity = bench.cycle()
    else:
        bench.blocked_by = "the guard to be armed"
        velocity = bench.cycle()
        assert len(bench.steps) == recorded
    assert not velocity.any()
    assert bench.loop.phase is Phase.WAITING
    assert bench.loop.episodes.aborted == 1
    bench.camera, bench.blocked_by = True, ""
    bench.until(episodes=2)
    assert [step.index for step in bench.steps[-101:]] == list(range(101))


@pytest.mark.parametrize(
    ("failure", "missing"),
    [
        ("frozen", "images that change as the arm moves"),
        ("black", "images that are not black"),
        ("camera", "images on image_raw"),
    ],
)
def test_loop_images_without_news_give_no_experience(bench: Bench, failure: str, missing: str) -> None:
    bench.until(episodes=1)
    for _ in range(100):
        bench.cycle()
    recorded = len(bench.steps)
    setattr(bench, failure, failure != "camera")
    for _ in range(int((FRAME_TIMEOUT if failure == "camera" else TIMEOUT) / CYCLE) + 2):
        velocity = bench.cycle()
    assert not velocity.any()
    assert bench.loop.blocked_by == missing
    assert bench.loop.episodes.aborted == 1
    assert len(bench.steps) <= recorded + 1  # that of a picture shown for the first time
    setattr(bench, failure, failure == "camera")
    bench.until(episodes=2)
    assert [step.index for step in bench.steps[-101:]] == list(range(101))
    assert [step.sequence for step in bench.steps] == list(range(len(bench.steps)))


def test_loop_steps_at_rest_are_held_until_the_camera_proves_alive(config: Config) -> None:
    bench = Bench(config, RunProgress(env_steps=1000))  # the policy stands still
    while bench.loop.phase is not Phase.RUNNING:
        bench.cycle()
    bench.frozen = True
    for _ in range(50):
        bench.cycle()
    assert not bench.loop.blocked_by
    assert len(bench.steps) <= 2
    bench.frozen = False
    bench.until(episodes=1)
    for _ in range(20):
        bench.cycle()
    assert [step.index for step in bench.steps] == list(range(101))


def test_loop_steps_wait_for_all_witnesses(config: Config) -> None:
    bench = Bench(config, witnesses=("guard", "target"))
    while bench.loop.phase is not Phase.RUNNING:
        bench.cycle()
    for _ in range(5):
        bench.cycle()
    bench.loop.gate.confirm("guard")
    bench.cycle()
    assert not bench.steps
    bench.loop.gate.confirm("target")
    for sent in range(1, 8):
        bench.cycle()
        bench.loop.gate.confirm("guard")
        assert len(bench.steps) == sent  # one by one
    for _ in range(5):
        bench.cycle()
        bench.loop.gate.confirm("guard")
    assert len(bench.steps) == 7  # what the target has confirmed
    bench.blocked_by = "visual_target_node to show the target"
    bench.cycle()
    bench.blocked_by = ""
    while bench.loop.phase is not Phase.RUNNING:
        bench.cycle()
    for _ in range(3):
        bench.cycle()
        bench.loop.gate.confirm("guard")
        bench.loop.gate.confirm("target")
    assert [(step.episode, step.index) for step in bench.steps[6:]] == [(1, 6), (2, 0), (2, 1)]
    assert [step.sequence for step in bench.steps] == list(range(9))


def test_loop_nothing_since_a_fault_that_is_over_reaches_replay(config: Config) -> None:
    """The guard had a fault and cleared it between two of its states that the agent heard: both say ARMED."""
    bench = Bench(config, witnesses=("guard",))
    while bench.loop.phase is not Phase.RUNNING:
        bench.cycle()
    for i in range(60):
        bench.cycle()
        if i == 49:
            bench.loop.gate.confirm("guard")
    for _ in range(3):
        bench.cycle()  # the arm stands, and nobody has told the agent yet
    bench.loop.interrupt("the guard, which had a fault")
    assert not bench.cycle().any()
    assert bench.loop.episodes.aborted == 1
    stored = len(bench.steps)
    assert stored <= 50
    bench.loop.gate.confirm("guard")
    while bench.loop.phase is not Phase.RUNNING:
        bench.cycle()
    for _ in range(60):
        bench.cycle()
        bench.loop.gate.confirm("guard")
    assert [(step.episode, step.index) for step in bench.steps[:stored]] == [(1, i) for i in range(stored)]
    assert {step.episode for step in bench.steps[stored:]} == {2}
    assert [step.sequence for step in bench.steps] == list(range(len(bench.steps)))
