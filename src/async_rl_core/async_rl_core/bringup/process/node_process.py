"""One node as a process: how it is started, what it reports, and how it ended."""

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from async_rl_core.bringup.graph import NodeSpec, environment
from async_rl_core.bringup.process import with_parent
from async_rl_core.bringup.process.link import VARIABLE, NodeLink
from async_rl_core.bringup.process.output import Pipe, TerminalOutput
from async_rl_core.bringup.process.shutdown import ShutdownWatch

_PIPE_GRACE = 1.0  # seconds to read what a dead process wrote, if a child of it still holds the pipe
_LOG_FORMAT = "RCUTILS_CONSOLE_OUTPUT_FORMAT"


@dataclass
class NodeProcess:
    """A node that was started."""

    spec: NodeSpec
    process: asyncio.subprocess.Process
    pumps: list[asyncio.Task[None]]
    link: NodeLink
    restarts: int = 0
    reports: frozenset[str] = frozenset()
    """Everything that the node has reported so far."""
    ending: ShutdownWatch | None = None
    """None until the node is told to end."""

    @property
    def code(self) -> int:
        """The exit code of a process that has ended."""
        assert self.process.returncode is not None
        return self.process.returncode

    @property
    def end(self) -> str:
        """The end of the process in words."""
        code = self.code
        if code < 0:
            return f"died by signal {-code} ({signal.Signals(-code).name})"
        return f"died with exit code {code}" if code else "ended unexpectedly with exit code 0"

    def listen(self, on_report: Callable[["NodeProcess", str], object]) -> None:
        """Calls back with each report from now on."""
        loop = asyncio.get_running_loop()

        def read() -> None:
            reports = self.link.reports()
            if reports is None:
                loop.remove_reader(self.link.descriptor)
            for text in reports or ():
                self.reports |= {text}
                on_report(self, text)

        loop.add_reader(self.link.descriptor, read)

    async def wait(self) -> None:
        """Waits for the end of the process and for its last lines; nothing that it started stays behind."""
        await self.process.wait()
        self.signal_group(signal.SIGKILL)
        _, late = await asyncio.wait(self.pumps, timeout=_PIPE_GRACE)
        for task in late:
            task.cancel()
        asyncio.get_running_loop().remove_reader(self.link.descriptor)
        self.link.close()

    def signal(self, number: int) -> None:
        """Sends a signal to the process."""
        with suppress(ProcessLookupError):
            self.process.send_signal(number)

    def signal_group(self, number: int) -> None:
        """Sends a signal to the process and to all that it started."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, number)


async def start_process(
    spec: NodeSpec, line: Sequence[str], ambient: Mapping[str, str], output: TerminalOutput, restarts: int = 0
) -> NodeProcess:
    """Starts a node as the leader of a session of its own. Raises OSError where that fails."""
    if shutil.which(line[0]) is None:
        raise FileNotFoundError(2, os.strerror(2), line[0])
    out, err, link = Pipe(), Pipe(), NodeLink()
    pumps = [
        asyncio.create_task(out.pump(spec.name, output)),
        asyncio.create_task(err.pump(spec.name, output, error=True)),
    ]
    try:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-IS", str(Path(with_parent.__file__)), str(os.getpid())),
            *line,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=out.inlet,
            stderr=err.inlet,
            env={
                **ambient,
                **environment(ambient, spec.profile),
                _LOG_FORMAT: ambient.get(_LOG_FORMAT, "[{severity}] {message}"),  # the name is before each line already
                **spec.env,
                VARIABLE: str(link.inlet),
            },
            start_new_session=True,
            pass_fds=(*spec.descriptors, link.inlet),
        )
    except OSError:
        link.close()
        raise
    finally:
        out.close_inlet()
        err.close_inlet()
        link.close_inlet()
    return NodeProcess(spec, process, pumps, link, restarts)
