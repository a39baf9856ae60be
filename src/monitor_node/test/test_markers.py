"""Markers for RViz, and its configuration."""

from pathlib import Path

import pytest
import yaml
from builtin_interfaces.msg import Time
from hypothesis import given
from hypothesis import strategies as st
from visualization_msgs.msg import Marker

from async_rl_core.config.load import resolve
from async_rl_core.tasks.registry import make_task
from async_rl_interfaces.msg import Target
from monitor_node.camera_recorder import TOPIC
from monitor_node.markers import SURFACE_FRAME, markers

TASK = make_task(resolve("laptop"))
ROBOT = TASK.config.robot
RVIZ = Path(__file__).resolve().parents[3] / "rviz" / "reacher.rviz"


def target(x: float, y: float) -> Target:
    return Target(x=x, y=y, radius=7.0, width=160.0, height=90.0)


@given(x=st.floats(7, 153), y=st.floats(7, 83))
def test_markers_disc_lies_on_the_screen(x: float, y: float) -> None:
    screen, disc, _ = markers(TASK, target(x, y), Time()).markers
    assert screen.header.frame_id == disc.header.frame_id == SURFACE_FRAME
    for axis in ("x", "y"):
        edge = abs(getattr(disc.pose.position, axis)) + getattr(disc.scale, axis) / 2
        assert edge <= getattr(screen.scale, axis) / 2 + 1e-9
    assert disc.pose.position.z - disc.scale.z / 2 < 0  # it shows before the screen


def test_markers_target_coordinates_span_the_screen() -> None:
    _, left_top, _ = markers(TASK, target(0.0, 0.0), Time()).markers
    assert (left_top.pose.position.x, left_top.pose.position.y) == pytest.approx((-0.265, -0.15))


def test_markers_bag_lies_on_the_table() -> None:
    task = make_task(resolve("laptop", {}, "panda"))
    picture = task.picture
    place = Target(x=0.05, y=0.2, radius=picture.radius, width=picture.width, height=picture.height)
    mat, bag, _ = markers(task, place, Time()).markers
    assert (mat.scale.x, mat.scale.y) == pytest.approx((picture.width, picture.height))
    assert (bag.type, bag.pose.position.z) == (Marker.SPHERE, 0.0)
    assert bag.scale.x == bag.scale.y == pytest.approx(2 * picture.radius)


def test_markers_box_has_twelve_edges() -> None:
    _, _, box = markers(TASK, target(80.0, 45.0), Time()).markers
    assert box.type == Marker.LINE_LIST
    assert box.header.frame_id == ROBOT.workspace.frame
    assert len(box.points) == 24
    assert (min(p.y for p in box.points), max(p.z for p in box.points)) == (0.1, 0.8)


def test_markers_names_are_unique() -> None:
    assert len({(m.ns, m.id) for m in markers(TASK, target(0.0, 0.0), Time()).markers}) == 3


def test_markers_topic_is_in_the_rviz_file() -> None:
    displays = yaml.safe_load(RVIZ.read_text())["Visualization Manager"]["Displays"]
    topics = {d["Class"].split("/")[1]: d.get("Topic", d.get("Description Topic", {})).get("Value") for d in displays}
    assert topics == {
        "Grid": None,
        "RobotModel": "/robot_description",
        "TF": None,
        "MarkerArray": "/monitor_node/markers",
        "Image": f"/{TOPIC}",
    }
    shown = {m.ns for m in markers(TASK, target(0.0, 0.0), Time()).markers}
    namespaces = next(d["Namespaces"] for d in displays if d["Class"].endswith("MarkerArray"))
    assert set(namespaces) == shown
