"""Checks of what a robot needs on this machine, before anything starts."""

from pathlib import Path

import pytest
import yaml

from async_rl_core.bringup.checks import hardware
from async_rl_core.bringup.checks.hardware import check_camera, check_robot, require_no_launch_file
from async_rl_core.bringup.graph import included, robot_nodes
from async_rl_core.config.load import resolve
from async_rl_core.config.schema import Config
from async_rl_core.config.sources import cameras
from async_rl_core.errors import ConfigError

REAL = {"hardware": "real", "robot_ip": "127.0.0.1", "guard.auto_arm": False}


def real(robot: str, address: str = "127.0.0.1") -> Config:
    return resolve("laptop", {**REAL, "robot_ip": address}, robot)


def executables(config: Config) -> list[str]:
    return [spec.executable for spec in robot_nodes(config, Path("/run/config.yaml"))]


@pytest.mark.parametrize("robot", ["ur5", "ur5e", "panda"])
def test_robot_without_a_driver_in_simulation_is_simulated_by_the_suite(robot: str) -> None:
    config = resolve("laptop", {}, robot)
    check_robot(config, {})
    assert executables(config) == ["robot_sim_node"]
    assert included(config) is None


def test_an_fr3_is_simulated_behind_its_driver() -> None:
    config = resolve("laptop", {}, "fr3")
    assert executables(config) == ["camera_sim_node", "franka_sim_node", "franka_driver_node"]
    assert executables(real("fr3")) == ["franka_driver_node"]


def test_a_real_ur_is_driven_by_its_makers_launch_file(tmp_path: Path) -> None:
    config = real("ur5e", "127.0.0.7")
    assert executables(config) == ["robot_status_node"]
    launch = included(config)
    assert launch is not None
    assert (launch.package, launch.launch_file) == ("ur_robot_driver", "ur_control.launch.py")
    assert launch.arguments["ur_type"] == "ur5e"
    assert launch.arguments["robot_ip"] == "127.0.0.7"
    assert launch.arguments["initial_joint_controller"] == "forward_velocity_controller"
    with pytest.raises(ConfigError, match=r"needs the ROS package ur_robot_driver, .*ros-<distro>-ur-robot-driver"):
        check_robot(config, {"AMENT_PREFIX_PATH": str(tmp_path)})
    marker = tmp_path / "share" / "ament_index" / "resource_index" / "packages" / "ur_robot_driver"
    marker.parent.mkdir(parents=True)
    marker.touch()
    check_robot(config, {"AMENT_PREFIX_PATH": str(tmp_path)})
    with pytest.raises(ConfigError, match=r"its own launch file, .*'ros2 launch async_rl"):
        require_no_launch_file(config)
    require_no_launch_file(real("fr3"))


def test_franka_ros2_gets_our_controllers_and_slower_commands() -> None:
    overrides = {"hardware": "real", "robot_ip": "127.0.0.1", "guard.auto_arm": False, "driver": "franka_ros2"}
    config = resolve("laptop", overrides, "fr3")
    assert executables(config) == ["robot_status_node", "spawner"]
    launch = included(config)
    assert launch is not None
    controllers = yaml.safe_load(Path(launch.arguments["controllers_yaml"]).read_text())["/**"]
    assert controllers["forward_velocity_controller"]["ros__parameters"]["joints"] == list(config.robot.joints)
    limits, plain = config.robot.limits, resolve("laptop", {}, "fr3").robot.limits
    step = max(limits.stop_acceleration) / config.robot.state_rate  # reaches the robot within a millisecond
    assert step / 1e-3 < 10.0
    assert step / 1e-6 < 5000.0
    assert plain.position_lower == limits.position_lower
    assert plain.velocity > limits.velocity
    own = resolve("laptop", {**overrides, "robot.limits.velocity": [0.1] * 7}, "fr3")
    assert own.robot.limits.velocity == (0.1,) * 7


def test_a_real_arm_may_have_a_simulated_camera() -> None:
    config = resolve("laptop", {**REAL, "camera.source": "sim"}, "ur5e")
    assert executables(config) == ["camera_sim_node", "robot_status_node"]
    assert executables(resolve("laptop", {"camera.source": "topic:eye"}, "fr3"))[0] == "franka_sim_node"


@pytest.mark.parametrize("camera", cameras())
def test_a_camera_that_is_not_there_is_named(camera: str, tmp_path: Path) -> None:
    config = resolve("laptop", {"camera.source": camera, f"camera.drivers.{camera}.device": str(tmp_path / "video0")})
    driver = config.camera_driver
    assert driver is not None
    apt = f"ros-<distro>-{driver.package.replace('_', '-')}"
    with pytest.raises(ConfigError, match=f"camera:={camera} needs the ROS package {driver.package}, not found.*{apt}"):
        check_camera(config, {"AMENT_PREFIX_PATH": str(tmp_path)})
    marker = tmp_path / "share" / "ament_index" / "resource_index" / "packages" / driver.package
    marker.parent.mkdir(parents=True)
    marker.touch()
    with pytest.raises(
        ConfigError, match=rf"camera:={camera}: {tmp_path}/video0 is not there; .*drivers: {{{camera}: "
    ):
        check_camera(config, {"AMENT_PREFIX_PATH": str(tmp_path)})
    (tmp_path / "video0").touch()
    check_camera(config, {"AMENT_PREFIX_PATH": str(tmp_path)})


def test_camera_on_a_topic_needs_no_package() -> None:
    for source in (None, "sim", "topic:eye"):
        check_camera(resolve("laptop", {"camera.source": source}), {})


@pytest.mark.parametrize("address", ["no-such-host.invalid", "10.0.0.999", "a" * 300])
def test_an_unknown_host_is_named(address: str) -> None:
    with pytest.raises(ConfigError, match=rf"no host is known as '{address}'"):
        check_robot(real("fr3", address), {})


def test_python_packages_that_are_missing_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(name: str) -> str:
        raise hardware.importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(hardware.importlib.metadata, "version", nothing)
    with pytest.raises(ConfigError, match=r"robot 'fr3' needs pylibfranka, franky-sim, not installed; .*'pip install"):
        check_robot(resolve("laptop", {}, "fr3"), {})
