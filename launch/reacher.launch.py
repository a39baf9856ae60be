"""An arm learns to reach a target that it sees: `ros2 launch async_rl reacher.launch.py --show-args`."""

from async_rl.launching import describe
from launch import LaunchDescription


def generate_launch_description() -> LaunchDescription:
    """Returns the launch description."""
    return describe(__file__)
