"""RViz markers of the target, its surface and the workspace box."""

from itertools import product

from builtin_interfaces.msg import Time
from geometry_msgs.msg import Point
from std_msgs.msg import ColorRGBA
from visualization_msgs.msg import Marker, MarkerArray

from async_rl_core.config.schema import RobotConfig
from async_rl_core.tasks.task import Task
from async_rl_interfaces.msg import Target

SURFACE_FRAME = "target_surface"
"""Origin at the surface's centre; x right and y down for a viewer, z into the surface."""
DEPTH = {"disc": 0.02, "bag": 0.002}
"""Thickness of the surface, metres: a screen, or a mat on the table."""
DISC_DEPTH = 0.004
BAG_HEIGHT = 1.4
"""Height of the whole bag in radii; half of it is below the table."""
EDGE = 0.005
"""Thickness of the box's edges, metres."""
WHITE = ColorRGBA(r=0.95, g=0.95, b=0.95, a=1.0)
RED = ColorRGBA(r=0.9, g=0.05, b=0.05, a=1.0)
BLUE = ColorRGBA(r=0.2, g=0.45, b=0.8, a=0.7)


def markers(task: Task, target: Target, stamp: Time) -> MarkerArray:
    """Returns all markers for a pose of the target."""
    return MarkerArray(markers=[_surface(task, stamp), _target(task, target, stamp), _box(task.config.robot, stamp)])


def _marker(name: str, number: int, frame: str, stamp: Time, kind: int, colour: ColorRGBA) -> Marker:
    marker = Marker(ns=name, id=number, type=kind, action=Marker.ADD, color=colour)
    marker.header.frame_id = frame
    marker.header.stamp = stamp
    marker.pose.orientation.w = 1.0
    return marker


def _surface(task: Task, stamp: Time) -> Marker:
    marker = _marker("surface", 0, SURFACE_FRAME, stamp, Marker.CUBE, WHITE)
    depth = DEPTH[task.shows]
    marker.pose.position.z = depth / 2
    marker.scale.x, marker.scale.y = task.surface.size
    marker.scale.z = depth
    return marker


def _target(task: Task, target: Target, stamp: Time) -> Marker:
    width, height = task.surface.size
    disc = task.shows == "disc"
    marker = _marker("target", 1, SURFACE_FRAME, stamp, Marker.CYLINDER if disc else Marker.SPHERE, RED)
    marker.pose.position.x = (target.x / target.width - 0.5) * width
    marker.pose.position.y = (target.y / target.height - 0.5) * height
    marker.scale.x = 2 * target.radius / target.width * width
    marker.scale.y = 2 * target.radius / target.height * height
    marker.scale.z = DISC_DEPTH if disc else BAG_HEIGHT * target.radius
    return marker


def _box(robot: RobotConfig, stamp: Time) -> Marker:
    marker = _marker("workspace", 2, robot.workspace.frame, stamp, Marker.LINE_LIST, BLUE)
    marker.scale.x = EDGE
    corners = list(product(*zip(robot.workspace.lower, robot.workspace.upper, strict=True)))
    for index, corner in enumerate(corners):
        for other in corners[index + 1 :]:
            if sum(a != b for a, b in zip(corner, other, strict=True)) == 1:  # along an edge one coordinate changes
                marker.points += [Point(x=x, y=y, z=z) for x, y, z in (corner, other)]
    return marker
