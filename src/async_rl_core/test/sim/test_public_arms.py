"""Every description of example-robot-data is read, or refused in one line that names it."""

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from async_rl_core.config.schema import Config, RobotConfig
from async_rl_core.errors import AsyncRLError
from async_rl_core.safety.kinematics import Kinematics
from async_rl_core.safety.limits.collision import CollisionLimit
from async_rl_core.sim.model import model_file, urdf_text
from async_rl_core.sim.scene import Scene

ROBOTS = model_file("ur_description/urdf/ur5_robot.urdf").parents[2]
EVERY = sorted(str(path.relative_to(ROBOTS)) for path in ROBOTS.rglob("*.urdf"))
ARMS = {
    "ur_description/urdf/ur3_gripper.urdf",
    "ur_description/urdf/ur10_robot.urdf",
    "xarm_description/urdf/xarm7.urdf",
    "z1_description/urdf/z1.urdf",
    "so_arm_description/urdf/so100.urdf",
    "panda_description/urdf/panda_collision.urdf",
    "talos_data/robots/talos_left_arm.urdf",
}
"""Arms that are simulated; they are tried each time, and the others by `make test-long`."""
REFUSED = {
    "kinova_description/robots/kinova.urdf",  # meshes are Collada
    "human_description/robots/human.urdf",  # links without mass
}


def robot_of(description: str, robot: RobotConfig) -> RobotConfig:
    """A robot with every joint of a description, slow, its tool at the last of them."""
    root = ElementTree.parse(ROBOTS / description).getroot()
    joints = [joint for joint in root.findall("joint") if joint.get("type") in ("revolute", "prismatic", "continuous")]
    names = tuple(joint.get("name", "") for joint in joints)
    ends = {child.get("link", "") for child in root.findall("joint/child")}
    links = [link.get("name", "") for link in root.findall("link")]
    base = next((link for link in links if link not in ends), "")
    last = joints[-1].find("child") if joints else None
    limits = {key: (value,) * len(names) for key, value in LIMITS.items()}
    return robot.model_copy(
        update={
            "name": "public",
            "model": description,
            "joints": names,
            "state_joints": names,
            "actuated_joints": names,
            "posture": (),
            "base_frame": base,
            "tool_frame": base if last is None else last.get("link"),
            "start": (0.0,) * len(names),
            "limits": robot.limits.model_copy(update=limits),
            "workspace": robot.workspace.model_copy(update={"frame": base, "table_height": -9.0}),
            "bodies": robot.bodies.model_copy(update={"close": ()}),
        }
    )


LIMITS = {
    "position_lower": -3.0,
    "position_upper": 3.0,
    "velocity": 0.01,
    "acceleration": 6.0,
    "stop_acceleration": 16.0,
    "jerk": 2000.0,
}


def outcome(make: Callable[[], object]) -> str:
    """Nothing, or why it was refused, in one line; any other error fails the test."""
    try:
        make()
    except AsyncRLError as error:
        message = str(error)
    else:
        message = ""
    assert "\n" not in message
    return message


def names(description: str) -> list[object]:
    return [pytest.param(description, marks=() if description in ARMS | REFUSED else pytest.mark.long)]


@pytest.mark.parametrize("description", [case for description in EVERY for case in names(description)])
def test_scene_public_description_is_read_or_refused_in_one_line(description: str, config: Config) -> None:
    robot = robot_of(description, config.robot)
    simulated = outcome(lambda: Scene(config.model_copy(update={"robot": robot})))
    urdf = ""

    def read() -> None:
        nonlocal urdf
        urdf = urdf_text(robot)

    published = outcome(read)
    if published:
        assert simulated and description in published
        return
    tool = outcome(lambda: Kinematics(urdf, robot.joints, robot.base_frame, robot.tool_frame))
    bodies = outcome(lambda: CollisionLimit(urdf, robot, 0.02, 0.008))
    print(
        f"{description}: {len(robot.joints)} joints; {simulated or 'simulated'}; {tool or 'tool'}; {bodies or 'bodies'}"
    )
    if description in ARMS:
        assert not simulated and not tool
    if description in REFUSED:
        assert Path(description).name in simulated
