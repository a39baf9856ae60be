"""An arm learns any installed task: `ros2 launch async_rl run.launch.py task:=<task>`."""

from async_rl.launching import describe
from launch import LaunchDescription


def generate_launch_description() -> LaunchDescription:
    """Returns the launch description."""
    return describe(__file__)
