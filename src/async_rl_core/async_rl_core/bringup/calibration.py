"""`async_rl calibrate latency`: the camera and the monitor, without an arm and without anything that learns."""

import asyncio
import os
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from async_rl_core.bringup.arguments import Argument, configure, table
from async_rl_core.bringup.checks.hardware import check_camera
from async_rl_core.bringup.checks.preflight import check_executables, check_screens
from async_rl_core.bringup.checks.variables import check_variables
from async_rl_core.bringup.graph import NodeSpec, camera_nodes, camera_sim_node, single_threaded
from async_rl_core.bringup.process.leftovers import clean_dead_middleware, clean_middleware, middleware_files
from async_rl_core.bringup.process.output import TerminalOutput
from async_rl_core.bringup.process.supervisor import Supervisor
from async_rl_core.config.load import write_config
from async_rl_core.config.schema import Config
from async_rl_core.errors import ConfigError
from async_rl_core.ros_environment import ros_domain
from async_rl_core.run_folder.lock import DomainLock
from async_rl_core.run_folder.run_folder import RunFolder

FLASHES = 60
"""Half a minute's; with frames 40 ms apart, the latency is then known to about a millisecond."""
FEWEST = 10

_ARGUMENTS = ("camera", "display", "preset", "robot", "renderer", "image_width", "image_height")


def _flashes(text: str) -> int:
    count = int(text)
    if count < FEWEST:
        raise ValueError
    return count


_FLASHES = Argument(
    "flashes", "changes on the monitor", None, _flashes, f"a whole number from {FEWEST}", default=str(FLASHES)
)


def arguments() -> list[Argument]:
    """Returns the arguments of a calibration: some launch arguments, and the number of flashes."""
    return [*(argument for argument in table() if argument.name in _ARGUMENTS), _FLASHES]


def calibrate_latency(values: Mapping[str, str]) -> int:
    """Measures how long after the light the camera's images are stamped, prints it, and returns the exit code.

    Args:
        values: texts by name, of `arguments`.

    Raises:
        AsyncRLError: one line, with nothing started, where that cannot be.
    """
    ambient = dict(os.environ)
    flashes = _FLASHES.value(values.get("flashes", str(FLASHES)))
    assert isinstance(flashes, int)
    config = configure({**{name: text for name, text in values.items() if name != "flashes"}, "task": "reaching"})
    if config.camera_topic is not None and not config.display:
        raise ConfigError("calibrate latency flashes the target on a monitor that the camera sees; add display:=true")
    check_variables(ambient)
    with ExitStack() as held:
        held.callback(DomainLock(ros_domain(ambient)).close)
        check_camera(config, ambient)
        check_screens(config, ambient)
        path = RunFolder(Path(held.enter_context(TemporaryDirectory(prefix="async_rl_")))).config
        specs = nodes(config, path, flashes)
        check_executables(specs, ambient)
        write_config(config, path)
        clean_dead_middleware(time.time())
        before = middleware_files()
        held.callback(lambda: clean_middleware(before, time.time()))
        output = held.enter_context(TerminalOutput([spec.name for spec in specs]))
        return asyncio.run(Supervisor(specs, output, ambient).run())


def nodes(config: Config, path: Path, flashes: int) -> list[NodeSpec]:
    """Returns the processes of a calibration: camera, target, and the node that compares them and ends the run."""
    parameters, single = {"config": str(path)}, single_threaded()
    target, latency = "visual_target_node", "latency_node"
    count = ("-p", f"flashes:={flashes}")
    return [
        *(camera_nodes(config, path) or [camera_sim_node(path)]),
        NodeSpec(target, target, target, "essential", parameters=parameters, env=single),
        NodeSpec(
            "image_converter_node", latency, latency, "finisher", parameters=parameters, env=single, ros_arguments=count
        ),
    ]
