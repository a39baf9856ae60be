"""The topics and services of the suite's nodes.

Names are relative to the namespace of the arm. Those of the robot's own interface, `robot.state_topic` and
`robot.command_topic`, are in the configuration of the robot.
"""

IMAGE = "image_raw"
CAMERA_INFO = "camera_info"
OBSERVED_IMAGE = "image_converter_node/image"
"""The image of a camera that is not simulated, in the size that the agent observes."""
ROBOT_DESCRIPTION = "robot_description"
ROBOT_STATUS = "robot_status"
TARGET = "target"
TASK_STATE = "task_state"
AGENT_COMMAND = "rl_agent_node/command"
EPISODE = "rl_agent_node/episode"
TIMING = "rl_agent_node/timing"
FEATURE_POINTS = "rl_agent_node/feature_points"
LEARNER_STATE = "learner_node/state"
GUARD_STATE = "safety_guard_node/state"
MARKERS = "monitor_node/markers"
MONITOR_IMAGE = "monitor_node/camera"
TRANSFORMS = "tf"
STATIC_TRANSFORMS = "tf_static"

TOPICS = (
    IMAGE,
    CAMERA_INFO,
    OBSERVED_IMAGE,
    ROBOT_DESCRIPTION,
    ROBOT_STATUS,
    TARGET,
    TASK_STATE,
    AGENT_COMMAND,
    EPISODE,
    TIMING,
    FEATURE_POINTS,
    LEARNER_STATE,
    GUARD_STATE,
    MARKERS,
    MONITOR_IMAGE,
    TRANSFORMS,
    STATIC_TRANSFORMS,
)

ARM = "safety_guard_node/arm"
DISARM = "safety_guard_node/disarm"
RESET_FAULT = "safety_guard_node/reset_fault"
RESET_TARGET = "visual_target_node/reset"

SERVICES = (ARM, DISARM, RESET_FAULT, RESET_TARGET)


def private(name: str) -> str:
    """Returns the name of a topic or service of a node, as the node itself declares it: `~/state`."""
    return f"~/{name.rpartition('/')[2]}"
