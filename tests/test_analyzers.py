"""The groups of config/analyzers.yaml cover every node of the suite once."""

from pathlib import Path

import yaml

from async_rl_core.bringup.graph import nodes
from async_rl_core.config.catalogue import robots
from async_rl_core.config.load import resolve
from async_rl_core.config.sources import cameras


def started() -> set[str]:
    """Returns the names of the suite's nodes over all robots, drivers, cameras and architectures."""
    configs = [resolve("laptop", {"architecture": architecture}) for architecture in ("seq", "async1", "async2")]
    configs += [resolve("laptop", {"camera.source": camera}) for camera in cameras()]
    for robot in robots():
        configs.append(resolve("laptop", {}, robot))
        for driver in configs[-1].robot.drivers:
            real = {"hardware": "real", "robot_ip": "192.0.2.1", "guard.auto_arm": False, "driver": driver}
            configs.append(resolve("laptop", real, robot))
    own = {path.parent.name for path in (Path(__file__).resolve().parent.parent / "src").glob("*/setup.py")}
    return {spec.name for config in configs for spec in nodes(config, Path("config.yaml")) if spec.package in own}


def test_analyzers_match_every_node_of_the_suite_once(root):
    parameters = yaml.safe_load((root / "config" / "analyzers.yaml").read_text())["analyzers"]["ros__parameters"]
    groups = [group["contains"] for group in parameters.values() if isinstance(group, dict)]
    words = [word for group in groups for word in group]
    matches = {name: [word for word in words if word in name] for name in started()}
    assert len(matches) > 10
    assert {name: found for name, found in matches.items() if len(found) != 1} == {}
