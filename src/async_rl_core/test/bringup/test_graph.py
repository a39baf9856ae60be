"""The one description of what runs."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from async_rl_core.bringup.graph import CAMERA_PROFILE, PROFILE, NodeSpec, camera_nodes, environment, nodes
from async_rl_core.bringup.process.executable import command, find_executable
from async_rl_core.config.catalogue import config_folder
from async_rl_core.config.load import resolve
from async_rl_core.errors import ConfigError


def roles(**overrides: object) -> dict[str, str]:
    return {spec.name: spec.role for spec in nodes(resolve("laptop", overrides), Path("/run/config.yaml"))}


def test_nodes_of_each_architecture_are_listed() -> None:
    asynchronous = roles()
    assert asynchronous["rl_agent_node"] == "finisher"
    assert {name for name, role in asynchronous.items() if role == "essential"} == {
        "learner_node", "monitor_node", "replay_node", "robot_sim_node", "safety_guard_node", "visual_target_node"
    }  # fmt: skip
    assert set(asynchronous) - set(roles(architecture="seq")) == {"learner_node", "replay_node"}
    assert roles(rviz=True)["rviz2"] == "optional"


def test_nodes_that_move_the_arm_are_not_restarted() -> None:
    specs = nodes(resolve("laptop", {"restarts": 2}), Path("/run/config.yaml"))
    again = {"learner_node", "monitor_node", "replay_node", "rl_agent_node", "visual_target_node"}
    assert {spec.name: spec.restarts for spec in specs} == {s.name: 2 * (s.name in again) for s in specs}


def test_camera_driver_starts_in_its_own_namespace_with_the_converter(tmp_path: Path) -> None:
    overrides = {"camera.source": "usb_cam", "camera.rate": 30.0}
    driver, fits = camera_nodes(resolve("laptop", overrides), Path("/run/config.yaml"))
    assert (driver.package, driver.executable, driver.name) == ("usb_cam", "usb_cam_node_exe", "camera")
    program = tmp_path / "lib" / "usb_cam" / "usb_cam_node_exe"
    program.parent.mkdir(parents=True)
    program.write_text("")
    program.chmod(0o755)
    words = " ".join(command(driver, {"AMENT_PREFIX_PATH": str(tmp_path)})[1:])
    assert words.startswith("--ros-args -r __node:=camera -r __ns:=/camera -p video_device:=/dev/video0 ")
    assert "-p framerate:=30.0" in words
    assert (fits.executable, fits.parameters) == ("image_converter_node", {"config": "/run/config.yaml"})
    assert camera_nodes(resolve("laptop"), Path("c")) == []
    assert [spec.name for spec in camera_nodes(resolve("laptop", {"camera.source": "topic:eye"}), Path("c"))] == [
        "image_converter_node"
    ]
    assert {"camera", "image_converter_node"} <= set(roles(**overrides))


@pytest.mark.parametrize("architecture", ["seq", "async2"])
def test_nothing_learns_in_an_evaluation(architecture: str) -> None:
    evaluated = roles(**{"architecture": architecture, "evaluation.checkpoint": "/run/c.safetensors"})
    assert set(roles()) - set(evaluated) == {"learner_node", "replay_node"}
    assert evaluated["rl_agent_node"] == "finisher"


def test_only_the_learner_computes_in_several_threads() -> None:
    for spec in nodes(resolve("laptop"), Path("/run/config.yaml")):
        learner = spec.name == "learner_node"
        assert ("OMP_NUM_THREADS" in spec.env) is not learner
        assert ("MALLOC_TRIM_THRESHOLD_" in spec.env) is learner
        assert spec.parameters == {"config": "/run/config.yaml"}
    limited = {spec.name: spec.env for spec in nodes(resolve("laptop", {"learner.threads": 3}), Path("c"))}
    assert limited["learner_node"]["OMP_NUM_THREADS"] == "3"


def test_environment_sets_the_profile_variable_of_this_ros() -> None:
    kilted, jazzy = environment({}), environment({"ROS_DISTRO": "jazzy"})
    assert kilted["FASTDDS_DEFAULT_PROFILES_FILE"] == jazzy["FASTRTPS_DEFAULT_PROFILES_FILE"]
    for chosen in (kilted, jazzy, environment({"FASTRTPS_DEFAULT_PROFILES_FILE": "mine.xml"})):
        assert not {"FASTDDS_DEFAULT_PROFILES_FILE", "FASTRTPS_DEFAULT_PROFILES_FILE"} <= set(chosen)


def test_environment_of_image_nodes_has_the_camera_profile(tmp_path: Path) -> None:
    name = "FASTDDS_DEFAULT_PROFILES_FILE"
    driver, fits = camera_nodes(resolve("laptop", {"camera.source": "usb_cam"}), Path("c"))
    usual = environment({})[name]
    assert usual.endswith("/fastdds.xml")
    for ambient in ({}, {name: usual}):
        for spec in (driver, fits):
            assert environment(ambient, spec.profile)[name].endswith("/fastdds_camera.xml")
    assert name not in environment({name: str(tmp_path / "mine.xml")}, driver.profile)


def test_only_cameras_use_the_middlewares_shared_memory() -> None:
    usual, camera = (ElementTree.parse(config_folder() / name) for name in (PROFILE, CAMERA_PROFILE))
    for parent in list(camera.iter()):
        for child in list(parent):
            if "shared_memory" in {text.strip() for text in child.itertext()} and child.tag.endswith(
                ("}transport_descriptor", "}transport_id")
            ):
                parent.remove(child)
    assert ElementTree.canonicalize(ElementTree.tostring(camera.getroot()), strip_text=True) == (
        ElementTree.canonicalize(ElementTree.tostring(usual.getroot()), strip_text=True)
    )


def test_environment_stays_on_this_host_unless_the_user_chooses(tmp_path: Path) -> None:
    def discovery(**ambient: str) -> tuple[str, str | None]:
        found = environment(ambient)
        return found["ROS_AUTOMATIC_DISCOVERY_RANGE"], found.get("FASTDDS_DEFAULT_PROFILES_FILE")

    profile, mine = config_folder() / "fastdds.xml", tmp_path / "fastdds.xml"
    here = ("SYSTEM_DEFAULT", str(profile))  # the profile, and nothing of ROS's own beside it
    assert discovery() == discovery(ROS_AUTOMATIC_DISCOVERY_RANGE="LOCALHOST") == here
    mine.write_bytes(profile.read_bytes())  # as the environment of a shell names the source tree's
    assert discovery(FASTDDS_DEFAULT_PROFILES_FILE=str(mine)) == here
    mine.write_text("<dds/>")
    assert discovery(FASTDDS_DEFAULT_PROFILES_FILE=str(mine)) == ("LOCALHOST", None)
    assert discovery(FASTDDS_DEFAULT_PROFILES_FILE="nowhere.xml") == ("LOCALHOST", None)
    assert discovery(ROS_AUTOMATIC_DISCOVERY_RANGE="SUBNET") == ("SUBNET", None)


def test_executables_are_found_as_ros_finds_them(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for prefix in (first, second):
        (prefix / "lib" / "arm").mkdir(parents=True)
        (prefix / "lib" / "arm" / "move").write_text("")
    (second / "lib" / "arm" / "move").chmod(0o755)
    ambient = {"AMENT_PREFIX_PATH": f"{first}:{second}"}
    assert find_executable("arm", "move", ambient) == second / "lib" / "arm" / "move"
    with pytest.raises(ConfigError, match="package 'leg' not found"):
        find_executable("leg", "move", ambient)
    marker = first / "share" / "ament_index" / "resource_index" / "packages" / "arm"
    marker.parent.mkdir(parents=True)
    marker.touch()
    with pytest.raises(ConfigError, match="executable 'turn' in package 'arm' not found"):
        find_executable("arm", "turn", ambient)
    spec = NodeSpec("arm", "move", "left", "essential", 0, {"config": "/a b/it's: here"}, ("-d", "x"))
    assert command(spec, ambient)[1:] == [
        "-d", "x", "--ros-args", "-r", "__node:=left", "-p", "config:='/a b/it''s: here'"
    ]  # fmt: skip
