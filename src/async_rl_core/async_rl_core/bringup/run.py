"""One whole run, from launch arguments to exit code, for where the launch packages are not installed."""

import asyncio
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

from async_rl_core.bringup.arguments import configure
from async_rl_core.bringup.graph import NodeSpec, nodes
from async_rl_core.bringup.leftovers import clean_middleware, middleware_files
from async_rl_core.bringup.lock import domain
from async_rl_core.bringup.output import Output
from async_rl_core.bringup.preflight import CONFIG_FILE, check, create_run_folder
from async_rl_core.bringup.supervisor import Supervisor
from async_rl_core.config.schema import Config
from async_rl_core.transport import service


@contextmanager
def prepared(config: Config, ambient: Mapping[str, str], now: datetime) -> Iterator[tuple[Config, list[NodeSpec]]]:
    """All that comes before the first node and after the last: checks, lock, run folder; shared memory left behind.

    Yields the configuration as written to the run folder, and what to start.
    Raises an `AsyncRLError` of one line, with nothing started or created, where the run cannot be.
    """
    lock = check(config, ambient)
    try:
        config = create_run_folder(config, now)
        assert config.run_dir is not None
        before = middleware_files()
        try:
            yield config, nodes(config, config.run_dir / CONFIG_FILE)
        finally:
            service.clean_up_dead(str(domain(ambient)))
            clean_middleware(before, time.time())
    finally:
        lock.close()


def run(values: Mapping[str, str], task: str, clock: Callable[[], datetime] = datetime.now) -> int:
    """Run until the end that the arguments name, or until stopped; the exit code of the command.

    Args:
        values: launch arguments as texts, as `arguments.parse` returns them.
        task: the task that the launch file stands for.
        clock: the wall clock that names the run's folder.
    """
    ambient = dict(os.environ)
    with prepared(configure(values, task), ambient, clock()) as (config, specs):
        output = Output([spec.name for spec in specs])
        output.say(f"run folder: {config.run_dir}")
        return asyncio.run(Supervisor(specs, output, ambient).run())
