"""Starts the nodes of a run as processes, watches them, and ends all of them together."""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from async_rl_core.bringup.exit_policy import FAULTED, ExitDecision, decide
from async_rl_core.bringup.graph import NodeSpec
from async_rl_core.bringup.process.executable import command
from async_rl_core.bringup.process.link import AT_REST, PAUSE, RESUME, UP
from async_rl_core.bringup.process.node_process import NodeProcess, start_process
from async_rl_core.bringup.process.output import TerminalOutput
from async_rl_core.bringup.process.shutdown import LOOK_PERIOD, ShutdownWatch, prefer
from async_rl_core.bringup.process.stages import StartStages, command_start

STOP_GRACE = 8.0
"""Seconds without progress from SIGTERM to SIGKILL.

Above what the guard's ramp to rest takes, and the simulated arm after it; below the 10 s that a container is given to
stop. A node that still works on what must be kept has longer, see `ending`.
"""

LATE_START = 15.0
"""Seconds after which nodes that start late are started in any case."""

RESTART_DELAY = 0.5
"""Seconds before a node that died is started again."""

REST_TIMEOUT = 3.0
"""Seconds that the guard has to bring the arm to rest before a suspension: its longest stop takes 2."""

_SIGNAL_SPREAD = 0.2  # seconds in which a signal to the whole group, as systemd sends it, reaches us too
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
_TERMINAL_SIGNALS = (signal.SIGTTOU, signal.SIGTTIN)  # their default would suspend this process with the arm in motion
_FLUSH_BEFORE_SUSPENSION = 0.5  # seconds
_REARMING = "the guard arms by itself in simulation (guard.auto_arm), else once you type 'async_rl arm'"
_REMINDER = 10.0  # seconds between two lines about nodes that are awaited


@dataclass
class Supervisor:
    """One run of a set of nodes.

    Every node is the leader of its own session, so that a Ctrl-C in the terminal reaches only the supervisor, which
    then tells all of them at once, and so that nothing that a node started outlives it.

    Nothing in its loop waits for a reader of the output or for a node, so a signal takes effect in any state.
    """

    specs: Sequence[NodeSpec]
    output: TerminalOutput
    ambient: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    grace: float = STOP_GRACE
    restart_delay: float = RESTART_DELAY
    line: Callable[[NodeSpec, Mapping[str, str]], list[str]] = command
    _running: dict[str, NodeProcess] = field(default_factory=dict, init=False)
    _exits: "asyncio.Queue[NodeProcess]" = field(init=False)
    _stop: asyncio.Event = field(init=False)
    _kill: asyncio.Event = field(init=False)
    _reported: asyncio.Event = field(init=False)
    _watchers: set["asyncio.Task[None]"] = field(default_factory=set, init=False)
    _suspension: "asyncio.Task[None] | None" = field(default=None, init=False)
    _continued: bool = field(default=False, init=False)
    _is_ending: bool = field(default=False, init=False)
    _failed: bool = field(default=False, init=False)
    _late_start: "asyncio.Task[None] | None" = field(default=None, init=False)
    _faulted: bool = field(default=False, init=False)
    _stages: StartStages = field(init=False)

    async def run(self) -> int:
        """Starts all nodes, waits for the end of the run, and ends all nodes.

        Returns 0 after a completed run or a requested stop, 1 after the death of a node, `FAULTED` where a fault of
        the guard stood at the end.
        Raises `ConfigError` before anything starts where an executable is missing.
        """
        self._exits, self._stop, self._kill = asyncio.Queue(), asyncio.Event(), asyncio.Event()
        self._reported = asyncio.Event()
        reporting = [spec.name for spec in self.specs if "config" in spec.parameters and not spec.starts_late]
        late = [spec.name for spec in self.specs if spec.starts_late]
        self._stages = StartStages(reporting, late, command_start(), self.output.say)
        lines = {spec.name: self.line(spec, self.ambient) for spec in self.specs}
        loop = asyncio.get_running_loop()
        handlers: dict[int, Callable[[int], object]] = dict.fromkeys(_STOP_SIGNALS, self._on_signal)
        handlers |= {signal.SIGTSTP: self._on_suspend, signal.SIGCONT: self._on_continue}
        for number, handler in handlers.items():
            loop.add_signal_handler(number, handler, number)
        before = {number: signal.signal(number, signal.SIG_IGN) for number in _TERMINAL_SIGNALS}
        try:
            code = await self._start_and_watch(lines)
        finally:
            self._is_ending = True
            await self._end_late_start()
            clean = await self._end_all()
            for number in handlers:
                loop.remove_signal_handler(number)
            for number, previous in before.items():
                signal.signal(number, previous)
        if not clean or self._failed:
            code = 1
        elif code == 0 and self._faulted:
            self.output.error(
                "the run ended with a fault of the safety guard, which stopped the arm; see its cause above"
            )
            code = FAULTED
        self.output.flush()
        return code

    async def _start_and_watch(self, lines: Mapping[str, list[str]]) -> int:
        for spec in self.specs:
            if self._stop.is_set():
                return 0
            if not spec.starts_late and not await self._start(spec, lines[spec.name]):
                return 1
        self._stages.all_started(time.monotonic())
        self._late_start = asyncio.create_task(self._start_late(lines))
        return await self._watch(lines)

    async def _start_late(self, lines: Mapping[str, list[str]]) -> None:
        """Starts the remaining nodes once agent and guard are up, or after a while."""
        await self._within(LATE_START, self._acts)
        for spec in self.specs:
            if spec.starts_late and not self._is_over and not await self._start(spec, lines[spec.name]):
                self._failed = True
                self._stop.set()

    def _acts(self) -> bool:
        """Returns whether agent and guard are up."""
        acting = [r for r in self._running.values() if r.spec.role == "finisher" or r.spec.holds_arm]
        return all(UP in running.reports for running in acting)

    async def _end_late_start(self) -> None:
        """Waits until no node is being started any more."""
        if self._late_start:
            self._reported.set()
            await self._late_start

    async def _start(self, spec: NodeSpec, line: Sequence[str], restarts: int = 0) -> bool:
        self._stages.start(spec.name, time.monotonic())
        try:
            running = await start_process(spec, line, self.ambient, self.output, restarts)
        except OSError as error:
            self.output.error(f"{spec.name} could not be started: {error}; stopping")
            return False
        self._running[spec.name] = running
        running.listen(self._on_report)
        if spec.holds_arm and self._suspension:
            running.link.order(PAUSE)
        watcher = asyncio.create_task(self._wait(running))
        self._watchers.add(watcher)
        watcher.add_done_callback(self._watchers.discard)
        return True

    async def _wait(self, running: NodeProcess) -> None:
        """Queues a process's exit once its last lines are printed."""
        await running.wait()
        self._exits.put_nowait(running)

    async def _watch(self, lines: Mapping[str, list[str]]) -> int:
        """Handles exits until one of them, or a signal, ends the run; returns the run's exit code."""
        while True:
            running = await self._next_exit(self._stop)
            if running is None:
                return 0
            spec, code = running.spec, running.code
            del self._running[spec.name]
            ended_well = self._tells_fault(running) or code in (0, -signal.SIGTERM)
            decision = decide(spec, code, running.restarts)
            if decision in (ExitDecision.COMPLETE, ExitDecision.FAULT):
                self.output.say("run complete; stopping")
                return 0
            if ended_well and await self._stops_within(_SIGNAL_SPREAD):
                return 0
            if decision is ExitDecision.CONTINUE:
                self.output.say(f"{spec.name} {running.end}; the run continues without it")
            elif decision is ExitDecision.RESTART:
                count = running.restarts + 1
                self.output.error(f"{spec.name} {running.end}; restart {count} of {spec.restarts}")
                if await self._stops_within(self.restart_delay):
                    return 0
                if not await self._start(spec, lines[spec.name], count):
                    return 1
            else:
                self.output.error(f"{spec.name} {running.end}; stopping")
                return 1

    async def _stops_within(self, seconds: float) -> bool:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), seconds)
        return self._stop.is_set()

    async def _next_exit(self, until: asyncio.Event, timeout: float | None = None) -> NodeProcess | None:
        """Returns the next process that ended; None if the event is set, or the timeout passes, before that."""
        exit_, event = asyncio.create_task(self._exits.get()), asyncio.create_task(until.wait())
        await asyncio.wait({exit_, event}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        event.cancel()
        if exit_.done():
            return exit_.result()
        exit_.cancel()
        return None

    async def _end_all(self) -> bool:
        """Sends SIGTERM to all at once and SIGKILL to those that hang; returns whether all ended well."""
        begin = time.monotonic()
        for running in self._running.values():
            prefer(running.process.pid)
            running.signal(signal.SIGTERM)
            running.ending = ShutdownWatch(running.process.pid, begin, self.grace)
        clean, reminder, killed = True, begin + self.grace, set[str]()
        while self._running:
            on_request = self._kill.is_set()
            waits = killed.issuperset(self._running)
            ended = await self._next_exit(
                asyncio.Event() if on_request else self._kill, None if waits else min(LOOK_PERIOD, self.grace)
            )
            if ended is None:
                now = time.monotonic()
                hung = {name: running for name, running in self._running.items() if self._is_to_be_killed(running, now)}
                if fresh := hung.keys() - killed:
                    clean = False
                    self._kill_all([hung[name] for name in fresh])
                    killed |= fresh
                elif now >= reminder:
                    reminder = now + _REMINDER
                    self._tell_awaited(now - begin)
                continue
            self._running.pop(ended.spec.name, None)
            ended_well = self._tells_fault(ended) or ended.code in (0, -signal.SIGTERM)
            if ended.spec.name not in killed and not ended_well:
                clean = False
                self.output.error(f"{ended.spec.name} {ended.end} while stopping")
        return clean

    def _tells_fault(self, ended: NodeProcess) -> bool:
        """Returns whether a process ended well and reported that a fault of the guard stands."""
        told = ended.spec.tells_fault and ended.code == FAULTED
        self._faulted |= told
        return told

    def _is_to_be_killed(self, running: NodeProcess, now: float) -> bool:
        """Returns whether a node that was told to end is to be killed."""
        assert running.ending is not None
        running.ending.look(now)
        return self._kill.is_set() or running.ending.is_hung(now)

    def _kill_all(self, hung: Sequence[NodeProcess]) -> None:
        names = ", ".join(sorted(running.spec.name for running in hung))
        why = "on request" if self._kill.is_set() else f"after {self.grace:g} s without an end"
        self.output.error(f"killed {why}: {names}")
        for running in hung:
            running.signal_group(signal.SIGKILL)

    def _tell_awaited(self, seconds: float) -> None:
        tasks = {name: running.ending.task for name, running in self._running.items() if running.ending}
        words = ", ".join(f"{name} ({task})" if task else name for name, task in sorted(tasks.items()))
        self.output.say(f"still at work after {seconds:.0f} s: {words}; waiting for it (once more to kill at once)")

    async def _suspend(self) -> None:
        """Brings the arm to rest, suspends this process until SIGCONT, then lets the guard arm again."""
        guards = [running for running in self._running.values() if running.spec.holds_arm]
        for running in guards:
            running.reports -= {AT_REST}
            running.link.order(PAUSE)
        rests = await self._within(REST_TIMEOUT, lambda: all(map(self._rests, guards)))
        if self._is_over:
            return
        if not rests:
            names = ", ".join(running.spec.name for running in guards if not self._rests(running))
            self.output.error(f"not suspended: {names} did not bring the arm to rest within {REST_TIMEOUT:g} s; killed")
            self._failed = True
            for running in guards:
                running.signal_group(signal.SIGKILL)  # without it, the robot's side stops the arm by its own timeout
            self._stop.set()
            return
        if not self._continued:
            self.output.say("suspended, the arm is at rest; type fg to continue, kill %1 to end the run")
            self.output.flush(_FLUSH_BEFORE_SUSPENSION)
            os.kill(os.getpid(), signal.SIGSTOP)
            await asyncio.sleep(0)  # signals that came with SIGCONT are served first
        if self._is_over:
            return
        self.output.say(f"continued; {_REARMING}")
        for running in self._running.values():
            if running.spec.holds_arm:
                running.link.order(RESUME)
        self._suspension = None

    @property
    def _is_over(self) -> bool:
        return self._stop.is_set() or self._is_ending

    def _rests(self, running: NodeProcess) -> bool:
        """Returns whether a guard moves nothing: it reported so, it ended, or it reads the order before it arms."""
        return bool(AT_REST in running.reports or UP not in running.reports or running.process.returncode is not None)

    async def _within(self, seconds: float, condition: Callable[[], bool]) -> bool:
        """Returns whether the condition holds within that time; it is evaluated after each report."""
        deadline = time.monotonic() + seconds
        while not (holds := condition()) and not self._is_over and (left := deadline - time.monotonic()) > 0:
            self._reported.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._reported.wait(), min(left, LOOK_PERIOD))
        return holds

    def _on_report(self, running: NodeProcess, text: str) -> None:
        now = time.monotonic()
        if running.ending:
            running.ending.report(text, now)
        elif not running.restarts:
            self._stages.report(running.spec.name, text, now)
        self._reported.set()

    def _on_signal(self, number: int) -> None:
        if self._stop.is_set():
            self._kill.set()
            return
        self.output.say(f"{signal.Signals(number).name}: stopping (once more to kill at once)")
        self._stop.set()

    def _on_suspend(self, number: int) -> None:
        if self._is_over:
            self.output.say("SIGTSTP: not suspended while the run ends (Ctrl-C to kill at once)")
        elif self._suspension is None:
            self.output.say("SIGTSTP: bringing the arm to rest, then suspending")
            self._continued = False
            self._suspension = asyncio.create_task(self._suspend())

    def _on_continue(self, number: int) -> None:
        self._continued = True
