"""Launch arguments: typed, checked, explained."""

from pathlib import Path

import pytest

from async_rl_core.bringup.arguments import configure, describe, parse, table
from async_rl_core.config.explain import keys
from async_rl_core.errors import ConfigError


def test_the_table_is_what_the_documentation_promises() -> None:
    names = {argument.name for argument in table()}
    promised = "architecture preset task seed duration episodes run_dir image_width image_height action_cycle_time"
    assert set(promised.split()) | {"rviz", "display", "renderer", "record_video", "robot"} == names
    for argument in table():
        assert argument.description
        assert argument.key is None or argument.key in keys()
        assert f"'{argument.name}':" in describe()


def test_arguments_reach_the_configuration() -> None:
    words = "seed:=3 duration:=600 episodes:=none run_dir:=~/x rviz:=true renderer:=raycast action_cycle_time:=0.048"
    config = configure(parse(words.split()))
    assert (config.seed, config.duration, config.episodes, config.rviz) == (3, 600.0, None, True)
    assert config.run_dir == Path("~/x").expanduser()
    assert (config.sim.renderer, config.agent.action_cycle_time, config.preset) == ("raycast", 0.048, "laptop")


@pytest.mark.parametrize("task", ["reaching", "tracking"])
def test_the_launch_file_chooses_the_task(task: str) -> None:
    assert configure({}, task).task == task
    assert configure({"task": "tracking"}, task).task == "tracking"


@pytest.mark.parametrize(
    ("words", "size"),
    [(["image_width:=160"], (160, 90)), (["image_height:=180"], (320, 180)), ([], (80, 45))],
)
def test_one_side_of_the_image_gives_the_other(words: list[str], size: tuple[int, int]) -> None:
    camera = configure(parse(words)).camera
    assert (camera.width, camera.height) == size


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["sed:=3"], "unknown argument 'sed'; did you mean 'seed'; allowed: architecture, "),
        (["seed=3"], "write <name>:=<value>"),
        (["seed:=3", "seed:=4"], "argument seed is given twice"),
        (["seed:=x"], "argument seed: 'x' is not allowed; allowed: a whole number"),
        (["seed:=-1"], "argument seed: -1 is not allowed; it must be greater than or equal to 0"),
        (["seed:=1.5"], "argument seed: '1.5'"),
        (["duration:=0"], "argument duration: 0"),
        (["duration:=inf"], "argument duration: inf"),
        (["rviz:=yes"], "allowed: true, false"),
        (["architecture:=async3"], "allowed: seq, async1, async2"),
        (["task:="], "argument task: '' is not allowed; allowed: reaching, tracking"),
        (["renderer:=vulkan"], "allowed: auto, gl, raycast"),
        (["preset:=huge"], "unknown preset 'huge'"),
        (["robot:=ur6"], "unknown robot 'ur6'"),
        (["run_dir:="], "argument run_dir"),
        (["image_width:=64"], "argument image_width (image_height follows as 36)"),
        (["action_cycle_time:=0.05"], "argument action_cycle_time: 0.05 s is not a multiple"),
    ],
)
def test_a_wrong_argument_is_one_line_that_names_what_is_allowed(words: list[str], expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        configure(parse(words))
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)
