"""Merging of sources: sections are merged, other mappings are replaced, the robot among them."""

from pathlib import Path

import pytest
import yaml

from async_rl_core.bringup.arguments import configure
from async_rl_core.bringup.resume import resumed
from async_rl_core.config.catalogue import config_folder, robots
from async_rl_core.config.load import read_config, reconfigure, resolve, write_config
from async_rl_core.config.schema import Config
from async_rl_core.errors import ConfigError
from async_rl_core.evaluation import evaluate

REAL: dict[str, object] = {"hardware": "real", "robot_ip": "192.0.2.1", "guard.auto_arm": False}


def preset(folder: Path, text: str) -> str:
    (folder / "mine.yaml").write_text(text, encoding="utf-8")
    return str(folder / "mine.yaml")


def run(folder: Path, **arguments: str) -> tuple[Config, str]:
    """A run's configuration, and its file."""
    config = configure(arguments)
    write_config(config, folder / "config.yaml")
    return config, str(folder / "config.yaml")


@pytest.mark.parametrize("robot", robots())
def test_resolve_of_a_runs_configuration_is_that_runs_robot_alone(robot: str, tmp_path: Path) -> None:
    config, path = run(tmp_path, robot=robot)
    again = resolve(path)
    assert again == config.model_copy(update={"preset": "config"})
    assert list(again.robot.drivers) == list(resolve("laptop", {}, robot).robot.drivers)


def test_resolve_of_a_pandas_configuration_is_refused_on_hardware(tmp_path: Path) -> None:
    _, path = run(tmp_path, robot="panda")
    with pytest.raises(ConfigError, match="robot 'panda' has no driver"):
        resolve(path, REAL)


def test_resolve_of_a_simulated_run_on_hardware_takes_what_the_driver_needs(tmp_path: Path) -> None:
    _, path = run(tmp_path, robot="fr3")
    real = {**REAL, "driver": "franka_ros2"}
    assert resolve(path, real).robot == resolve("laptop", real, "fr3").robot
    assert resolve(path, {**real, "robot.reset_velocity": 0.1}).robot.reset_velocity == 0.1


def test_configure_of_a_robot_that_the_preset_contradicts_names_both(tmp_path: Path) -> None:
    _, path = run(tmp_path, robot="ur5")
    for robot in ("panda", "ur5e"):
        with pytest.raises(ConfigError, match=f"argument robot: '{robot}' is given, but preset .*config.yaml:.*'ur5'"):
            configure({"preset": path, "robot": robot})
    assert configure({"preset": path, "robot": "ur5"}).robot.name == "ur5"
    arm = yaml.safe_load((config_folder() / "robots" / "ur5.yaml").read_text(encoding="utf-8"))
    (tmp_path / "other.yaml").write_text(yaml.safe_dump({**arm, "reset_velocity": 0.1}), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"argument robot: '.*other\.yaml' is given"):
        configure({"preset": path, "robot": str(tmp_path / "other.yaml")})


def test_resolve_of_a_preset_that_names_a_robot_takes_it_and_its_task(tmp_path: Path) -> None:
    config = resolve(preset(tmp_path, "robot: {name: panda, reset_velocity: 0.3}\n"))
    expected = resolve("laptop", {"robot.reset_velocity": 0.3}, "panda")
    assert (config.robot, config.task, config.parameters) == (expected.robot, expected.task, expected.parameters)


def test_no_drivers_of_a_file_are_no_drivers_in_run_resume_and_evaluation(tmp_path: Path) -> None:
    path = preset(tmp_path, "robot:\n  drivers: {}\n")
    config = resolve(path, {}, "fr3")
    assert config.robot.drivers == {} and config.robot_driver is None
    write_config(config, tmp_path / "config.yaml")
    assert read_config(tmp_path / "config.yaml").robot.drivers == {}
    assert reconfigure(tmp_path / "config.yaml").robot.drivers == {}
    assert resumed(tmp_path, {}, {}).robot.drivers == {}
    assert evaluate.configure(tmp_path, {}, tmp_path / "evaluations").robot.drivers == {}
    assert resolve(str(tmp_path / "config.yaml")).robot.drivers == {}


@pytest.mark.parametrize("key", ["arguments", "status"])
def test_a_driver_of_a_file_takes_nothing_of_the_suites_driver_of_that_name(key: str, tmp_path: Path) -> None:
    driver = yaml.safe_load((config_folder() / "robots" / "ur5.yaml").read_text(encoding="utf-8"))["drivers"]
    driver["ur_robot_driver"][key] = {"ur_type": "ur5"} if key == "arguments" else driver["ur_robot_driver"][key][:1]
    path = preset(tmp_path, yaml.safe_dump({"robot": {"drivers": driver}}))
    dumped = resolve(path).robot.model_dump(mode="json")["drivers"]["ur_robot_driver"]
    assert len(dumped[key]) == 1


def test_parameters_of_another_task_are_left_out(tmp_path: Path) -> None:
    _, path = run(tmp_path, robot="panda")
    again = resolve(path, {"task": "tracking"})
    assert (again.task, again.parameters) == ("tracking", {})
    mine = preset(tmp_path, "task: visual_reacher\nparameters: {alpha: 0.5}\n")
    assert resolve(mine, {"task": "reaching"}, "panda").parameters == {}
    assert resolve(mine, {}, "panda").parameters["alpha"] == 0.5


def test_configuration_of_a_run_does_not_set_display(tmp_path: Path) -> None:
    _, path = run(tmp_path, robot="ur5")
    real = {**REAL, "camera.source": "topic:eye"}
    with pytest.raises(ConfigError, match="nothing shows the target"):
        resolve(path, real)
    assert not resolve(path, {**real, "display": False}).display


def test_lists_and_the_joints_of_a_posture_term_are_replaced(tmp_path: Path) -> None:
    path = preset(
        tmp_path,
        "robot:\n  posture: [{joints: {elbow_joint: 1.0}, sum: 0.5}]\n"
        "  bodies: {close: [[base_link, upper_arm_link]]}\n",
    )
    robot = resolve(path).robot
    assert [dict(term.joints) for term in robot.posture] == [{"elbow_joint": 1.0}]
    assert robot.bodies.close == (("base_link", "upper_arm_link"),)
    assert robot.bodies.tool_radius == resolve().robot.bodies.tool_radius


def test_cameras_of_a_preset_are_merged_by_name_and_whole_ones_replaced(tmp_path: Path) -> None:
    text = """
camera:
  drivers:
    usb_cam: {device: /dev/video2, parameters: {pixel_format: mjpeg2rgb}}
    v4l2_camera: {package: mine, executable: mine, topic: camera/image_raw}
"""
    drivers, usual = resolve(preset(tmp_path, text)).camera.drivers, resolve().camera.drivers
    assert list(drivers) == list(usual)
    assert drivers["usb_cam"].parameters == {**usual["usb_cam"].parameters, "pixel_format": "mjpeg2rgb"}
    assert drivers["v4l2_camera"].parameters == {} and drivers["v4l2_camera"].device is None


def test_cameras_of_a_run_are_all_that_its_configuration_has(tmp_path: Path) -> None:
    config, path = run(tmp_path)
    values = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    values["camera"]["drivers"] = {"usb_cam": {**values["camera"]["drivers"]["usb_cam"], "parameters": {}}}
    again = resolve(preset(tmp_path, yaml.safe_dump(values)))
    assert list(again.camera.drivers) == ["usb_cam"] and again.camera.drivers["usb_cam"].parameters == {}
    assert again.robot == config.robot


def test_a_model_beside_the_robots_file_is_found_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arm = yaml.safe_load((config_folder() / "robots" / "ur5.yaml").read_text(encoding="utf-8"))
    (tmp_path / "my.urdf").write_text("<robot/>", encoding="utf-8")
    (tmp_path / "arm.yaml").write_text(yaml.safe_dump({**arm, "model": "my.urdf"}), encoding="utf-8")
    monkeypatch.chdir(tmp_path.parent)
    expected = str(tmp_path / "my.urdf")
    for robot in (str(tmp_path / "arm.yaml"), f"{tmp_path.name}/arm.yaml"):
        assert resolve("laptop", {}, robot).robot.model == expected
    assert resolve(preset(tmp_path, "robot: {model: my.urdf}\n")).robot.model == expected
    assert resolve("laptop", {}, "fr3").robot.model == "fr3.urdf"
