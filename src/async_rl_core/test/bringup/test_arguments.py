"""Launch arguments: typed, checked, explained."""

from pathlib import Path

import pytest

from async_rl_core.bringup.arguments import AS_PRESET, configure, describe, is_resumed, parse, table
from async_rl_core.config.explain import keys
from async_rl_core.config.load import read_config, resolve, write_config
from async_rl_core.config.sources import cameras
from async_rl_core.errors import ConfigError


def test_argument_table_matches_the_documentation() -> None:
    names = {argument.name for argument in table()}
    promised = "architecture preset task seed duration episodes run_dir image_width image_height action_cycle_time"
    others = "resume rviz display renderer record_video robot hardware robot_ip driver camera secure algorithm"
    assert set(promised.split()) | set(others.split()) == names
    for argument in table():
        assert argument.description
        assert argument.key is None or argument.key in keys()
        assert f"'{argument.name}':" in describe(table())


def test_arguments_reach_the_configuration() -> None:
    words = "seed:=3 duration:=600 episodes:=none run_dir:=~/x rviz:=true renderer:=raycast action_cycle_time:=0.048"
    config = configure(parse(words.split()))
    assert (config.seed, config.duration, config.episodes, config.rviz) == (3, 600.0, None, True)
    assert config.run_dir == Path("~/x").expanduser()
    assert (config.sim.renderer, config.agent.action_cycle_time, config.preset) == ("raycast", 0.048, "laptop")


def test_the_launch_file_chooses_the_task_or_leaves_it_to_the_robot() -> None:
    assert configure({}, "tracking").task == "tracking"
    assert configure({"task": "reaching"}, "tracking").task == "reaching"
    for robot, task in (
        ("ur5", "reaching"),
        ("ur5e", "reaching"),
        ("panda", "visual_reacher"),
        ("fr3", "visual_reacher"),
    ):
        assert configure({"robot": robot}).task == task
    assert configure({"robot": "panda", "task": "reaching"}).task == "reaching"


@pytest.mark.parametrize(
    ("words", "size"),
    [(["image_width:=160"], (160, 90)), (["image_height:=180"], (320, 180)), ([], (80, 45))],
)
def test_image_width_alone_gives_the_height(words: list[str], size: tuple[int, int]) -> None:
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
        (["task:="], "argument task: '' is not allowed; allowed: reach, reaching, tracking, visual_reacher"),
        (
            ["task:=visual_reacher"],
            "argument task: 'visual_reacher' needs a camera over a table, and robot 'ur5' has no",
        ),
        (["algorithm:=ppo"], "argument algorithm: 'ppo' is not allowed; allowed: ddpg, sac"),
        (["renderer:=vulkan"], "allowed: auto, gl, raycast"),
        (["preset:=huge"], "unknown preset 'huge'"),
        (["robot:=ur6"], "unknown robot 'ur6'"),
        (["run_dir:="], "argument run_dir"),
        (
            ["task:=tracking", "robot:=fr3", "hardware:=real"],
            "'real' needs the robot's address; add robot_ip:=<address>",
        ),
        (["robot:=fr3", "hardware:=real"], "argument hardware: 'real' needs the robot's address; add robot_ip:="),
        (["robot:=panda", "hardware:=real", "robot_ip:=10.0.0.2"], "'panda' has no driver and can only be simulated"),
        (["robot_ip:=10.0.0.2"], "argument robot_ip: '10.0.0.2' is given, but hardware is 'sim'; add hardware:=real"),
        (["robot_ip:="], "argument robot_ip: '' is not allowed; allowed: a host name or IP address"),
        (["hardware:=fake"], "argument hardware: 'fake' is not allowed; allowed: sim, real"),
        (["driver:=franka_ros2"], "argument driver: 'franka_ros2' is not a driver of robot 'ur5'; allowed: ur_robot"),
        (["driver:=ur_robot_driver"], "argument driver: 'ur_robot_driver' drives real hardware only; add hardware:="),
        (
            ["camera:=usbcam"],
            "argument camera: 'usbcam' is not a camera; did you mean 'usb_cam'; allowed: sim, usb_cam, ",
        ),
        (["camera:=topic:a/"], "argument camera: 'a/' is not the name of a topic"),
        (
            ["camera:="],
            "argument camera: '' is not allowed; allowed: sim, usb_cam, v4l2_camera, realsense, topic:<name>",
        ),
        (["image_width:=64"], "argument image_width (image_height follows as 36)"),
        (["action_cycle_time:=0.05"], "argument action_cycle_time: 0.05 s is not a multiple"),
    ],
)
def test_configure_wrong_argument_names_the_allowed_values(words: list[str], expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        configure(parse(words))
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_description_names_every_camera() -> None:
    camera = next(argument for argument in table() if argument.name == "camera")
    assert all(name in camera.description for name in [*cameras(), "sim", "topic:<name>"])
    assert configure({"camera": "topic:/eye"}).camera_topic == "/eye"
    assert configure({"camera": "none"}).camera_topic is None


def test_configure_real_robot_does_not_arm_by_itself() -> None:
    assert configure({}).guard.auto_arm
    real = configure({"hardware": "real", "robot_ip": "192.0.2.1"})
    assert (real.hardware, real.robot_ip, real.guard.auto_arm) == ("real", "192.0.2.1", False)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run of the tracking task, in a folder to which it was moved."""
    folder = tmp_path / "moved"
    folder.mkdir()
    config = resolve("laptop", {"task": "tracking", "seed": 5, "duration": 60.0, "run_dir": "/elsewhere"})
    write_config(config, folder / "config.yaml")
    return folder


def test_configure_resumed_run_has_its_own_configuration(run: Path) -> None:
    assert is_resumed({"resume": str(run)}) and not is_resumed({}) and not is_resumed({"resume": "none"})
    config = configure({"resume": str(run)}, "tracking")
    assert config == read_config(run / "config.yaml").model_copy(update={"run_dir": run})
    config = configure(parse([f"resume:={run}", "duration:=none", "episodes:=7", "record_video:=true"]), "tracking")
    assert (config.duration, config.episodes, config.record_video, config.seed) == (None, 7, True, 5)


@pytest.mark.parametrize("word", ["seed:=5", "preset:=laptop", "run_dir:=x", "task:=tracking", "architecture:=seq"])
def test_configure_resumed_run_refuses_other_arguments(run: Path, word: str) -> None:
    with pytest.raises(ConfigError, match=f"argument {word.split(':')[0]} cannot be given beside resume.*duration"):
        configure(parse([f"resume:={run}", word]), "tracking")


def test_configure_run_that_cannot_be_resumed_is_refused(run: Path, tmp_path: Path) -> None:
    def refusal(folder: Path | str, task: str = "tracking", **values: str) -> str:
        with pytest.raises(ConfigError) as caught:
            configure({"resume": str(folder), **values}, task)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    assert "argument resume: '' is not allowed" in refusal("")
    assert f"{tmp_path / 'no'} is not a folder; name a run's folder" in refusal(tmp_path / "no")
    assert f"{tmp_path} has no config.yaml; name a run's folder" in refusal(tmp_path)
    assert "is a run of tracking; resume it by launching tracker" in refusal(run, AS_PRESET)
    assert "argument episodes: 0" in refusal(run, episodes="0")
    write_config(resolve("laptop", {"evaluation.checkpoint": "/x"}), run / "config.yaml")
    assert "holds an evaluation" in refusal(run)
    (run / "config.yaml").write_text("seed: [")
    assert "config.yaml" in refusal(run)
