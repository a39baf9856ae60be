"""One whole run, from launch arguments to exit code, without the launch packages of ROS 2."""

import asyncio
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime

from async_rl_core.bringup.arguments import configure, is_resumed
from async_rl_core.bringup.checks.hardware import require_no_launch_file
from async_rl_core.bringup.checks.preflight import check, create_run_folder
from async_rl_core.bringup.graph import NodeSpec, nodes
from async_rl_core.bringup.process.leftovers import clean_dead_middleware, clean_middleware, middleware_files
from async_rl_core.bringup.process.output import TerminalOutput
from async_rl_core.bringup.process.supervisor import Supervisor
from async_rl_core.bringup.resume import reopen
from async_rl_core.bringup.secure import secured
from async_rl_core.config.schema import Config
from async_rl_core.ros_environment import ros_domain
from async_rl_core.run_folder.lock import RunLock
from async_rl_core.run_folder.run_folder import RunFolder
from async_rl_core.transport.shared_memory import service

PRIVATE = 0o077
"""The umask of a run: only its user may read its folder and its shared memory."""


@contextmanager
def prepared(
    config: Config, ambient: Mapping[str, str], now: datetime, say: Callable[[str], object] | None = None
) -> Iterator[tuple[Config, list[NodeSpec]]]:
    """Does what comes before the first node and after the last: checks, locks, run folder, clean-up of shared memory.

    With `say` the run is resumed in its folder, and `say` takes the place; else the folder is a new one.
    Yields the configuration as written to the run folder, and the nodes to start.
    Raises an `AsyncRLError` of one line, with nothing started or created, if the run is impossible.
    """
    with ExitStack() as held:
        held.callback(os.umask, os.umask(PRIVATE))
        if say is None:
            held.callback(check(config, ambient).close)
            config = create_run_folder(config, now)
        assert config.run_dir is not None
        lock = RunLock(config.run_dir)
        held.callback(lock.close)
        if say is not None:
            held.callback(check(config, ambient).close)
            reopen(config, say)
        clean_dead_middleware(time.time())
        held.callback(_clean_up, middleware_files(), ambient)
        specs = [replace(s, descriptors=(lock.descriptor,)) for s in nodes(config, RunFolder(config.run_dir).config)]
        yield config, [secured(spec, ambient) for spec in specs] if config.secure else specs


def _clean_up(before: set[str], ambient: Mapping[str, str]) -> None:
    service.clean_up_dead(str(ros_domain(ambient)))
    clean_middleware(before, time.time())


def run(values: Mapping[str, str], task: str, clock: Callable[[], datetime] = datetime.now) -> int:
    """Runs until the end that the arguments name, or until stopped; returns the exit code.

    Args:
        values: launch arguments as texts, as `arguments.parse` returns them.
        task: the task that the launch file stands for.
        clock: the wall clock that names the run's folder.
    """
    ambient = dict(os.environ)
    asked = configure(values, task)
    require_no_launch_file(asked)
    with TerminalOutput([]) as output:
        say = output.say if is_resumed(values) else None
        with prepared(asked, ambient, clock(), say) as (config, specs):
            output.say(f"run folder: {config.run_dir}")
            output.show([spec.name for spec in specs])
            return asyncio.run(Supervisor(specs, output, ambient).run())
