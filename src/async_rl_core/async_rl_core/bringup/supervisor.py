"""Starts the nodes of a run as processes, watches them, and ends all of them together."""

import asyncio
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from async_rl_core.bringup.executable import command
from async_rl_core.bringup.exit_codes import FAULTED
from async_rl_core.bringup.graph import EXPLAINED, NodeSpec, environment
from async_rl_core.bringup.output import Output, Pipe

STOP_GRACE = 8.0
"""Seconds from SIGTERM to SIGKILL: the guard's ramp to rest, the simulated arm after it, the learner's checkpoint.

Above what replay and monitor wait for a slow disk; below the 10 s that a container is given to stop.
"""

RESTART_DELAY = 0.5
"""Seconds before a node that died is started again."""

_SIGNAL_SPREAD = 0.2  # seconds in which a signal to the whole group, as systemd sends it, reaches us too
_PIPE_GRACE = 1.0  # seconds to read what a dead process wrote, should a child of it still hold the pipe
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass
class _Running:
    spec: NodeSpec
    process: asyncio.subprocess.Process
    pumps: list[asyncio.Task[None]]
    restarts: int = 0


@dataclass
class Supervisor:
    """One run of a set of nodes.

    Every node is the leader of its own session, so that a Ctrl-C in the terminal reaches only the supervisor, which
    then tells all of them at once, and so that nothing that a node started outlives it.
    """

    specs: Sequence[NodeSpec]
    output: Output
    ambient: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    grace: float = STOP_GRACE
    restart_delay: float = RESTART_DELAY
    line: Callable[[NodeSpec, Mapping[str, str]], list[str]] = command
    _running: dict[str, _Running] = field(default_factory=dict, init=False)
    _exits: "asyncio.Queue[_Running]" = field(init=False)
    _stop: asyncio.Event = field(init=False)
    _kill: asyncio.Event = field(init=False)
    _watchers: set["asyncio.Task[None]"] = field(default_factory=set, init=False)
    _faulted: bool = field(default=False, init=False)

    async def run(self) -> int:
        """Start everything, wait for the end, end everything.

        Returns 0 after a completed run or a requested stop, 1 after the death of a node, `FAULTED` where a fault of
        the guard stood at the end.
        Raises `ConfigError` before anything starts where an executable is missing.
        """
        self._exits, self._stop, self._kill = asyncio.Queue(), asyncio.Event(), asyncio.Event()
        lines = {spec.name: self.line(spec, self.ambient) for spec in self.specs}
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, self._on_signal, number)
        try:
            code = await self._start_and_watch(lines)
        finally:
            clean = await self._end_all()
            for number in _SIGNALS:
                loop.remove_signal_handler(number)
        if code == 0 and clean and self._faulted:
            self.output.error(
                "the run ended with a fault of the safety guard, which stopped the arm; see its cause above"
            )
            return FAULTED
        return code if clean else 1

    async def _start_and_watch(self, lines: Mapping[str, list[str]]) -> int:
        for spec in self.specs:
            if self._stop.is_set():
                return 0
            if not await self._start(spec, lines[spec.name]):
                return 1
        return await self._watch(lines)

    async def _start(self, spec: NodeSpec, line: Sequence[str], restarts: int = 0) -> bool:
        out, err = Pipe(), Pipe()
        pumps = [
            asyncio.create_task(out.pump(spec.name, self.output)),
            asyncio.create_task(err.pump(spec.name, self.output, error=True)),
        ]
        try:
            process = await asyncio.create_subprocess_exec(
                *line,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=out.inlet,
                stderr=err.inlet,
                env={
                    **self.ambient,
                    **environment(self.ambient, spec.profile),
                    **_log_format(self.ambient),
                    **spec.env,
                },
                start_new_session=True,
                pass_fds=spec.descriptors,
            )
        except OSError as error:
            self.output.error(f"{spec.name} could not be started: {error}; stopping")
            return False
        finally:
            out.close_inlet()
            err.close_inlet()
        running = self._running[spec.name] = _Running(spec, process, pumps, restarts)
        watcher = asyncio.create_task(self._wait(running))
        self._watchers.add(watcher)
        watcher.add_done_callback(self._watchers.discard)
        return True

    async def _wait(self, running: _Running) -> None:
        """Report a process's end once its last lines are out."""
        await running.process.wait()
        _signal_group(running, signal.SIGKILL)  # what it started and left behind
        _, late = await asyncio.wait(running.pumps, timeout=_PIPE_GRACE)
        for task in late:
            task.cancel()
        self._exits.put_nowait(running)

    async def _watch(self, lines: Mapping[str, list[str]]) -> int:
        """Serve exits until one of them, or a signal, ends the run; the exit code of the run."""
        while True:
            running = await self._next_exit(self._stop)
            if running is None:
                return 0
            spec, code = running.spec, _code(running)
            del self._running[spec.name]
            if self._tells_fault(running):
                code = 0
            if spec.role == "finisher" and code == 0:
                self.output.say("run complete; stopping")
                return 0
            if code in (0, -signal.SIGTERM) and await self._stops_within(_SIGNAL_SPREAD):
                return 0
            if spec.role == "optional":
                self.output.say(f"{spec.name} {_end(code)}; the run goes on without it")
            elif code != EXPLAINED and running.restarts < spec.restarts:
                count = running.restarts + 1
                self.output.error(f"{spec.name} {_end(code)}; restart {count} of {spec.restarts}")
                if await self._stops_within(self.restart_delay):
                    return 0
                if not await self._start(spec, lines[spec.name], count):
                    return 1
            else:
                self.output.error(f"{spec.name} {_end(code)}; stopping")
                return 1

    async def _stops_within(self, seconds: float) -> bool:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), seconds)
        return self._stop.is_set()

    async def _next_exit(self, until: asyncio.Event, timeout: float | None = None) -> _Running | None:
        """The next process that ended, or none when the event is set, or the time up, before."""
        exit_, event = asyncio.create_task(self._exits.get()), asyncio.create_task(until.wait())
        await asyncio.wait({exit_, event}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        event.cancel()
        if exit_.done():
            return exit_.result()
        exit_.cancel()
        return None

    async def _end_all(self) -> bool:
        """SIGTERM to all at once, SIGKILL to those that ignore it. Whether all of them ended well."""
        for running in self._running.values():
            _signal(running, signal.SIGTERM)
        clean, killed = True, False
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.grace
        while self._running:
            timeout = None if killed else max(0.0, deadline - loop.time())
            ended = await self._next_exit(asyncio.Event() if killed else self._kill, timeout)
            if ended is None:
                self._kill_all()
                clean, killed = False, True
                continue
            self._running.pop(ended.spec.name, None)
            code = 0 if self._tells_fault(ended) else _code(ended)
            if not killed and code not in (0, -signal.SIGTERM):
                clean = False
                self.output.error(f"{ended.spec.name} {_end(code)} while stopping")
        return clean

    def _tells_fault(self, ended: _Running) -> bool:
        """Whether a process ended well and told that a fault of the guard stands."""
        told = ended.spec.tells_fault and _code(ended) == FAULTED
        self._faulted |= told
        return told

    def _kill_all(self) -> None:
        names = ", ".join(sorted(self._running))
        why = "on request" if self._kill.is_set() else f"after {self.grace:g} s without an end"
        self.output.error(f"killed {why}: {names}")
        for running in self._running.values():
            _signal_group(running, signal.SIGKILL)

    def _on_signal(self, number: int) -> None:
        if self._stop.is_set():
            self._kill.set()
            return
        self.output.say(f"{signal.Signals(number).name}: stopping (once more to kill at once)")
        self._stop.set()


def _log_format(ambient: Mapping[str, str]) -> dict[str, str]:
    """The node's name is before each line already."""
    name = "RCUTILS_CONSOLE_OUTPUT_FORMAT"
    return {name: ambient.get(name, "[{severity}] {message}")}


def _signal(running: _Running, number: int) -> None:
    with suppress(ProcessLookupError):
        running.process.send_signal(number)


def _signal_group(running: _Running, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(running.process.pid, number)


def _code(running: _Running) -> int:
    assert running.process.returncode is not None
    return running.process.returncode


def _end(code: int) -> str:
    if code < 0:
        return f"died by signal {-code} ({signal.Signals(-code).name})"
    return f"died with exit code {code}" if code else "ended unexpectedly with exit code 0"
