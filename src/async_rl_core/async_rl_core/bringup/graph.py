"""The one description of what runs: the supervisor and the launch files both start exactly this."""

import filecmp
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from async_rl_core.config.catalogue import config_folder
from async_rl_core.config.schema import Config
from async_rl_core.tasks.registry import make_task

Role = Literal["essential", "finisher", "optional"]
"""The consequence of a node's end once its restarts are used up. essential: the run stops with an error. finisher: as
essential, but exit code 0 completes the run. optional: none, such as a closed window."""

PROFILE, CAMERA_PROFILE = "fastdds.xml", "fastdds_camera.xml"
"""Settings of Fast DDS, in config/."""

_RANGE, _THIS_HOST = "ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST"
_PROFILE = ("FASTDDS_DEFAULT_PROFILES_FILE", "FASTRTPS_DEFAULT_PROFILES_FILE")  # of Fast DDS 3, and of Jazzy's 2


@dataclass(frozen=True)
class NodeSpec:
    """One process of the run."""

    package: str
    executable: str
    name: str
    role: Role
    restarts: int = 0
    """Times that it is started again after an unexplained end."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    """Variables on top of `environment()`."""
    descriptors: tuple[int, ...] = ()
    """Open files that the process inherits."""
    ros_arguments: tuple[str, ...] = ()
    """Further words after --ros-args."""
    profile: str = PROFILE
    """Settings of Fast DDS, a file in config/."""
    tells_fault: bool = False
    """True for a node that ends with exit code 3 (`FAULTED`) if a fault of the guard stands."""
    enclave: str | None = None
    """Whose keys and rights it has, where the run is secure."""
    starts_late: bool = False
    """True for a node that starts once agent and guard are up, so that the arm moves sooner."""
    holds_arm: bool = False
    """True for the node that takes the orders of `link` to stop the arm and to let it move again."""


@dataclass(frozen=True)
class LaunchSpec:
    """A launch file of another package, which the run includes."""

    package: str
    launch_file: str
    arguments: Mapping[str, str]


def nodes(config: Config, config_path: Path) -> list[NodeSpec]:
    """Returns the processes of a run, the slowest to start first.

    The learner starts late: no policy is needed during the random steps, and the arm moves seconds sooner.

    Args:
        config: the resolved configuration.
        config_path: where it is written; every node of the suite reads it from there.
    """

    def node(name: str, role: Role = "essential", restarts: int = 0, env: Mapping[str, str] | None = None) -> NodeSpec:
        parameters = {"config": str(config_path)}
        return NodeSpec(name, name, name, role, restarts, parameters, env=env or single_threaded())

    def agent(env: Mapping[str, str]) -> NodeSpec:
        return replace(node("rl_agent_node", "finisher", again, env), tells_fault=True)

    again = config.restarts
    learns = learner_environment(config)
    if not config.learns:
        specs = [agent(single_threaded())]
    elif config.architecture == "seq":  # sample, update and act take turns in the agent's process
        specs = [agent(learns)]
    else:
        specs = [
            replace(node("learner_node", restarts=again, env=learns), starts_late=config.agent.initial_steps > 0),
            agent(single_threaded()),
            node("replay_node", restarts=again),
        ]
    uses_camera = make_task(config).uses_camera
    specs += [
        *robot_nodes(config, config_path, uses_camera),
        *(camera_nodes(config, config_path) if uses_camera else []),
        replace(node("safety_guard_node"), tells_fault=True, holds_arm=True),
        node("visual_target_node", restarts=again),
        node("monitor_node", restarts=again),
    ]
    if config.rviz:
        file = config_folder().parent / "rviz" / "reacher.rviz"
        specs.append(NodeSpec("rviz2", "rviz2", "rviz2", "optional", arguments=("-d", str(file))))
    return specs


def robot_nodes(config: Config, config_path: Path, uses_camera: bool = True) -> list[NodeSpec]:
    """Returns the processes between the guard and the arm's drives, and the simulated camera's."""

    def node(package: str, executable: str) -> NodeSpec:
        return NodeSpec(
            package, executable, executable, "essential", parameters={"config": str(config_path)}, env=single_threaded()
        )

    driver = config.robot_driver
    if driver is None:
        return [node("robot_sim_node", "robot_sim_node")]
    specs = [camera_sim_node(config_path)] if uses_camera and config.camera_topic is None else []
    if driver.via == "launch":
        specs.append(node("robot_status_node", "robot_status_node"))
        if driver.controller is not None and not driver.spawned:
            arguments = (driver.controller, "--controller-manager-timeout", "60")
            specs.append(NodeSpec("controller_manager", "spawner", "spawner", "optional", arguments=arguments))
        return specs
    if config.hardware == "sim" and driver.simulator is not None:
        specs.append(node(driver.package, driver.simulator.executable))
    return [*specs, node(driver.package, driver.executable)]


def camera_sim_node(config_path: Path) -> NodeSpec:
    """Returns the process of a simulated camera on an arm that is not simulated with it."""
    name, parameters = "camera_sim_node", {"config": str(config_path)}
    return NodeSpec("robot_sim_node", name, name, "essential", parameters=parameters, env=single_threaded())


def camera_nodes(config: Config, config_path: Path) -> list[NodeSpec]:
    """Returns the processes between a real camera and the agent: its driver, and the node that resizes its images."""
    if config.camera_topic is None:
        return []
    again, single = config.restarts, single_threaded()
    parameters = {"config": str(config_path)}
    name = "image_converter_node"
    node = NodeSpec(name, name, name, "essential", again, parameters, env=single)
    specs = [replace(node, profile=CAMERA_PROFILE)]
    if (driver := config.camera_driver) is not None:
        # In a namespace of its own: image_raw is the simulated camera's, which may run too.
        words = ["-r", "__ns:=/camera"]
        for name, text in driver.filled(config.camera.rate).items():
            words += ["-p", f"{name}:={text}"]
        camera = NodeSpec(driver.package, driver.executable, "camera", "essential", again, env=single)
        specs.insert(0, replace(camera, ros_arguments=tuple(words), profile=CAMERA_PROFILE))
    return specs


def included(config: Config) -> LaunchSpec | None:
    """Returns the launch file of the robot's driver; None if a node is its driver."""
    driver = config.robot_driver
    if driver is None or driver.via == "node":
        return None
    stands_for = {"robot_ip": config.robot_ip, "config": config_folder()}
    arguments = {name: text.format_map(stands_for) for name, text in driver.arguments.items()}
    return LaunchSpec(driver.package, driver.launch_file, arguments)


def environment(ambient: Mapping[str, str], profile: str = PROFILE) -> dict[str, str]:
    """Returns the variables of a process of the run that are not ambient; a user's choice takes precedence."""
    chosen = {"PYTHONUNBUFFERED": ambient.get("PYTHONUNBUFFERED", "1"), _RANGE: ambient.get(_RANGE) or _THIS_HOST}
    file, usual = config_folder() / profile, config_folder() / PROFILE
    named = [name for name in _PROFILE if ambient.get(name)]  # Fast DDS reads all that are set
    if chosen[_RANGE] == _THIS_HOST and file.is_file() and all(_is_copy(ambient[name], usual) for name in named):
        # The profile keeps to this host better than ROS's LOCALHOST, which still listens on every address.
        chosen[_RANGE] = "SYSTEM_DEFAULT"
        chosen[named[0] if named else _PROFILE[ambient.get("ROS_DISTRO") == "jazzy"]] = str(file)
    return {**chosen, "ASYNC_RL_SUPERVISED": str(os.getpid())}  # a node ends with the process that started it


def _is_copy(path: str, of: Path) -> bool:
    """Returns whether one file is a copy of the other, as the installed profile is of the source tree's."""
    return Path(path).is_file() and filecmp.cmp(path, of, shallow=False)


def single_threaded() -> dict[str, str]:
    """Returns the variables that keep maths in one thread: waking others costs more than a short computation."""
    return dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")


def learner_environment(config: Config) -> dict[str, str]:
    """Variables of the process that learns."""
    # Activations come and go every update: kept by the allocator, they are not mapped and zeroed each time.
    env = {"MALLOC_MMAP_THRESHOLD_": str(2**33), "MALLOC_TRIM_THRESHOLD_": str(2**34)}
    if config.learner.threads:
        env["OMP_NUM_THREADS"] = str(config.learner.threads)
    return env
