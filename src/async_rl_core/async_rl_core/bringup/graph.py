"""The one description of what runs: the supervisor and the launch files both start exactly this."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from async_rl_core.config.load import config_folder
from async_rl_core.config.schema import Config
from async_rl_core.sim import REQUESTED_PLATFORM

Role = Literal["essential", "restartable", "finisher", "optional"]
"""What a node's end means. essential: the run stops with an error. restartable: it is started anew a few times.
finisher: as essential, but exit code 0 completes the run. optional: nothing, such as a closed window."""

MAX_RESTARTS = 3

_PROFILE = ("FASTDDS_DEFAULT_PROFILES_FILE", "FASTRTPS_DEFAULT_PROFILES_FILE")  # of Fast DDS 3, and of Jazzy's 2


@dataclass(frozen=True)
class NodeSpec:
    """One process of the run."""

    package: str
    executable: str
    name: str
    role: Role
    parameters: Mapping[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    """Variables on top of `environment()`."""


def nodes(config: Config, config_path: Path) -> list[NodeSpec]:
    """The processes of a run, the slowest to start first.

    Args:
        config: the resolved configuration.
        config_path: where it is written; every node of the suite reads it from there.
    """

    def node(name: str, role: Role = "essential", env: Mapping[str, str] | None = None) -> NodeSpec:
        return NodeSpec(name, name, name, role, {"config": str(config_path)}, env=env or single_threaded())

    learns = learner_environment(config)
    if config.architecture == "seq":  # sample, update and act take turns in the agent's process
        specs = [node("rl_agent_node", "finisher", learns)]
    else:
        specs = [node("learner_node", env=learns), node("rl_agent_node", "finisher"), node("replay_node")]
    specs += [
        # sim/__init__.py has switched MuJoCo's choice off in this process; the node gets what the person asked for.
        node("robot_sim_node", env={**single_threaded(), "MUJOCO_GL": REQUESTED_PLATFORM}),
        node("safety_guard_node"),
        node("visual_target_node"),
        node("monitor_node", "restartable"),
    ]
    if config.rviz:
        file = config_folder().parent / "rviz" / "reacher.rviz"
        specs.append(NodeSpec("rviz2", "rviz2", "rviz2", "optional", arguments=("-d", str(file))))
    return specs


def environment(ambient: Mapping[str, str]) -> dict[str, str]:
    """What every process of the run gets besides the ambient variables, which win where a person chose something."""
    wanted = {
        "PYTHONUNBUFFERED": "1",
        "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
    }
    profile = config_folder() / "fastdds.xml"
    if profile.is_file() and not any(name in ambient for name in _PROFILE):  # Fast DDS reads all that are set
        wanted[_PROFILE[ambient.get("ROS_DISTRO") == "jazzy"]] = str(profile)
    chosen = {name: ambient.get(name, value) for name, value in wanted.items()}
    return {**chosen, "ASYNC_RL_SUPERVISED": str(os.getpid())}  # a node ends when what started it dies


def single_threaded() -> dict[str, str]:
    """Maths in one thread: a node that works in microseconds only loses by waking others."""
    return dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")


def learner_environment(config: Config) -> dict[str, str]:
    """Variables of the process that learns."""
    # Activations come and go every update: kept by the allocator, they are not mapped and zeroed anew each time.
    env = {"MALLOC_MMAP_THRESHOLD_": str(2**33), "MALLOC_TRIM_THRESHOLD_": str(2**34)}
    if config.learner.threads:
        env["OMP_NUM_THREADS"] = str(config.learner.threads)
    return env
