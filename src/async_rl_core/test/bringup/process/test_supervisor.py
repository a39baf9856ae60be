"""The supervisor, with real processes: orderly ends, deaths, restarts, and nothing left behind."""

import asyncio
import io
import os
import resource
import select
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from async_rl_core.bringup.exit_policy import EXPLAINED, FAULTED
from async_rl_core.bringup.graph import NodeSpec, Role
from async_rl_core.bringup.process import shutdown as ending
from async_rl_core.bringup.process.output import TerminalOutput
from async_rl_core.bringup.process.supervisor import Supervisor

OBEYS = """
import os, signal
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])  # one that comes before it is waited for is kept
print("up", os.getpid(), flush=True)
signal.sigwait([signal.SIGTERM])
print("at rest")
"""
STUBBORN = """
import os, signal, subprocess, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
print("up", child.pid, flush=True)
while True: signal.pause()
"""
FAILS_STOPPING = OBEYS + "raise SystemExit(5)"
FINISHES = "print('last words', end='')"
DIES = "import sys; print('trouble', file=sys.stderr); sys.exit(3)"
DIES_BY_SIGNAL = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"


class Bench:
    """A supervisor on scripts instead of nodes, and what it wrote."""

    def __init__(
        self,
        scripts: Mapping[str, tuple[Role, str]],
        grace: float = 30.0,
        restarts: int = 0,
    ) -> None:
        self.out, self.err = io.StringIO(), io.StringIO()
        specs = [
            NodeSpec("test", name, name, role, restarts, env={"MARK": name}) for name, (role, _) in scripts.items()
        ]

        def line(spec: NodeSpec, ambient: Mapping[str, str]) -> list[str]:
            return [sys.executable, "-c", scripts[spec.name][1]]

        output = TerminalOutput(list(scripts), self.out, self.err)
        self.supervisor = Supervisor(specs, output, dict(os.environ), grace, restart_delay=0.0, line=line)

    def run(self, when: Callable[["Bench"], bool] | None = None, signals: tuple[int, ...] = ()) -> int:
        """The exit code; `signals` are sent to this process, the first once `when` holds, each other once seen."""

        async def scenario() -> int:
            task = asyncio.create_task(self.supervisor.run())
            if when is not None:
                await self._until(lambda: when(self))
            for index, number in enumerate(signals):
                os.kill(os.getpid(), number)
                await self._until(lambda index=index: self.out.getvalue().count("stopping (once") > 0 or index > 0)
            return await task

        return asyncio.run(asyncio.wait_for(scenario(), 60.0))

    async def _until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            await asyncio.sleep(0.01)

    def ups(self) -> list[int]:
        """Process numbers that the scripts reported."""
        return [int(line.split()[-1]) for line in self.out.getvalue().splitlines() if " up " in f" {line} "]


def is_gone(pid: int) -> bool:
    """Whether a process has ended, or does so at once: one that is killed takes a moment."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    ended, _, _ = select.select([process], [], [], 30.0)
    os.close(process)
    return bool(ended)


def all_up(count: int) -> Callable[[Bench], bool]:
    return lambda bench: len(bench.ups()) == count


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_supervisor_signal_ends_all_in_order(number: int) -> None:
    bench = Bench({"guard": ("essential", OBEYS), "agent": ("finisher", OBEYS), "monitor": ("essential", OBEYS)})
    assert bench.run(all_up(3), (number,)) == 0
    assert bench.out.getvalue().count("| at rest") == 3
    assert bench.err.getvalue() == ""
    assert all(is_gone(pid) for pid in bench.ups())


def test_supervisor_finisher_with_code_0_completes_the_run() -> None:
    bench = Bench({"guard": ("essential", OBEYS), "agent": ("finisher", FINISHES)})
    assert bench.run() == 0
    assert "agent | last words\n" in bench.out.getvalue()
    assert "run complete" in bench.out.getvalue()
    assert all(is_gone(pid) for pid in bench.ups())


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (DIES, "died with exit code 3; stopping"),
        (DIES_BY_SIGNAL, "died by signal 9 (SIGKILL); stopping"),
        (FINISHES, "ended unexpectedly with exit code 0; stopping"),
    ],
)
def test_supervisor_death_of_a_node_stops_the_run(script: str, message: str) -> None:
    bench = Bench({"guard": ("essential", OBEYS), "learner_node": ("essential", script)})
    assert bench.run() == 1
    assert f"error: learner_node {message}\n" in bench.err.getvalue()
    assert all(is_gone(pid) for pid in bench.ups())


def test_supervisor_finisher_that_fails_stops_the_run() -> None:
    bench = Bench({"agent": ("finisher", DIES)})
    assert bench.run() == 1
    assert "agent | trouble\n" in bench.err.getvalue()
    assert "agent died with exit code 3" in bench.err.getvalue()


@pytest.mark.parametrize("role", ["essential", "finisher"])
def test_supervisor_restarts_a_node_up_to_its_limit(role: Role) -> None:
    bench = Bench({"guard": ("essential", OBEYS), "learner": (role, DIES)}, restarts=2)
    assert bench.run() == 1
    assert bench.err.getvalue().count("learner | trouble") == 3
    assert "error: learner died with exit code 3; restart 2 of 2\n" in bench.err.getvalue()
    assert "error: learner died with exit code 3; stopping" in bench.err.getvalue()


def test_supervisor_restartable_finisher_completes_the_run() -> None:
    bench = Bench({"agent": ("finisher", FINISHES)}, restarts=2)
    assert bench.run() == 0
    assert bench.out.getvalue().count("last words") == 1


def test_supervisor_explained_exit_is_not_restarted() -> None:
    bench = Bench({"learner": ("essential", f"import sys; sys.exit({EXPLAINED})")}, restarts=2)
    assert bench.run() == 1
    assert "restart" not in bench.err.getvalue()


def test_supervisor_optional_node_may_end() -> None:
    bench = Bench({"guard": ("essential", OBEYS), "rviz2": ("optional", FINISHES)})
    gone = lambda bench: "continues without it" in bench.out.getvalue() and len(bench.ups()) == 1  # noqa: E731
    assert bench.run(gone, (signal.SIGINT,)) == 0


def test_supervisor_node_that_ignores_sigterm_is_killed_with_its_children() -> None:
    bench = Bench({"learner": ("essential", STUBBORN), "guard": ("essential", OBEYS)}, grace=5.0)
    assert bench.run(all_up(2), (signal.SIGTERM,)) == 1
    assert "killed after 5 s without an end: learner" in bench.err.getvalue()
    assert all(is_gone(pid) for pid in bench.ups())


def test_supervisor_second_signal_kills_at_once() -> None:
    bench = Bench({"learner": ("essential", STUBBORN)}, grace=1000.0)
    assert bench.run(all_up(1), (signal.SIGINT, signal.SIGINT)) == 1
    assert "killed on request: learner" in bench.err.getvalue()
    assert all(is_gone(pid) for pid in bench.ups())


def test_supervisor_death_is_noticed_while_a_child_holds_the_output() -> None:
    """Its own child does, and one that left its session: the run does not wait for either."""
    script = """
import subprocess, sys
for alone in (False, True):
    line = [sys.executable, "-c", "import time; time.sleep(1000)"]
    child = subprocess.Popen(line, stdin=subprocess.DEVNULL, start_new_session=alone)
    print("up", child.pid, flush=True)
sys.exit(3)
"""
    bench = Bench({"target": ("essential", script)})
    assert bench.run() == 1
    assert "target died with exit code 3; stopping" in bench.err.getvalue()
    follower, stranger = bench.ups()
    assert is_gone(follower)
    os.kill(stranger, signal.SIGKILL)


def test_supervisor_failure_while_stopping_is_reported() -> None:
    bench = Bench({"learner": ("essential", FAILS_STOPPING), "agent": ("finisher", OBEYS)})
    assert bench.run(all_up(2), (signal.SIGINT,)) == 1
    assert "learner died with exit code 5 while stopping" in bench.err.getvalue()


def test_supervisor_node_that_cannot_be_started_ends_the_others() -> None:
    bench = Bench({"guard": ("essential", OBEYS), "agent": ("finisher", FINISHES)})
    line = bench.supervisor.line
    bench.supervisor.line = lambda spec, env: ["/nowhere/agent"] if spec.name == "agent" else line(spec, env)
    assert bench.run() == 1
    assert "agent could not be started" in bench.err.getvalue()


def test_nodes_get_the_runs_environment_and_long_lines_pass() -> None:
    script = """
import os
print(os.environ["MARK"], os.environ["ASYNC_RL_SUPERVISED"] == str(os.getppid()), os.getsid(0) == os.getpid())
print("x" * 300000)
print("\\udcff", end="")
"""
    bench = Bench({"agent": ("finisher", script)})
    bench.supervisor.ambient = {**bench.supervisor.ambient, "PYTHONIOENCODING": "utf-8:surrogateescape"}
    assert bench.run() == 0
    assert "agent | agent True True\n" in bench.out.getvalue()
    assert bench.out.getvalue().count("x") >= 300000
    assert "agent | \ufffd\n" in bench.out.getvalue()


TELLS_FAULT = OBEYS + f"raise SystemExit({FAULTED})"


def test_supervisor_fault_at_a_requested_stop_has_an_exit_code_of_its_own() -> None:
    bench = Bench({"guard": ("essential", TELLS_FAULT), "agent": ("finisher", OBEYS)})
    bench.supervisor.specs = [replace(spec, tells_fault=True) for spec in bench.supervisor.specs]
    assert bench.run(all_up(2), (signal.SIGINT,)) == FAULTED
    assert "error: the run ended with a fault of the safety guard" in bench.err.getvalue()
    assert "died" not in bench.err.getvalue()


def test_supervisor_fault_at_the_end_of_the_duration_has_an_exit_code_of_its_own() -> None:
    finishes = f"import sys; sys.exit({FAULTED})"
    bench = Bench({"guard": ("essential", OBEYS), "agent": ("finisher", finishes)}, restarts=2)
    bench.supervisor.specs = [replace(spec, tells_fault=True) for spec in bench.supervisor.specs]
    assert bench.run() == FAULTED
    assert "run complete" in bench.out.getvalue()
    assert "restart" not in bench.err.getvalue()


def test_supervisor_death_beside_a_fault_is_a_death() -> None:
    bench = Bench({"guard": ("essential", TELLS_FAULT), "learner": ("essential", FAILS_STOPPING)})
    bench.supervisor.specs = [replace(spec, tells_fault=spec.name == "guard") for spec in bench.supervisor.specs]
    assert bench.run(all_up(2), (signal.SIGTERM,)) == 1


WORKS_ON = OBEYS.replace('print("at rest")', "import time\nend = time.monotonic() + 2.0\n") + (
    "while time.monotonic() < end: pass\nprint('kept')\n"
)
REPORTS = OBEYS.replace(
    'print("at rest")', "import time\nfrom async_rl_core.bringup.process.link import supervisor\n"
) + ("for _ in range(10):\n    supervisor().report('writing')\n    time.sleep(0.2)\nprint('kept')\n")


@pytest.mark.parametrize(("script", "said"), [(WORKS_ON, "learner"), (REPORTS, "learner (writing)")])
def test_supervisor_waits_for_a_node_that_saves_its_data(script: str, said: str) -> None:
    bench = Bench({"learner": ("essential", script)}, grace=1.0)
    assert bench.run(all_up(1), (signal.SIGINT,)) == 0
    assert "learner | kept" in bench.out.getvalue()
    assert f"still at work after 1 s: {said}; waiting" in bench.out.getvalue()
    assert bench.err.getvalue() == ""


def test_supervisor_kills_a_node_that_never_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ending, "LONGEST_END", 1.5)
    bench = Bench({"learner": ("essential", WORKS_ON.replace("+ 2.0", "+ 1e9"))}, grace=1.0)
    assert bench.run(all_up(1), (signal.SIGINT,)) == 1
    assert "killed after" in bench.err.getvalue()
    assert all(is_gone(pid) for pid in bench.ups())


def test_supervisor_ending_node_loses_its_niceness() -> None:
    script = OBEYS.replace('print("up"', 'os.nice(7)\nprint("up"').replace(
        'print("at rest")', 'print("nice", os.getpriority(os.PRIO_PROCESS, 0))'
    )
    bench = Bench({"learner": ("essential", script)})
    assert bench.run(all_up(1), (signal.SIGINT,)) == 0
    own = os.getpriority(os.PRIO_PROCESS, 0)
    allowed = os.geteuid() == 0 or resource.getrlimit(resource.RLIMIT_NICE)[0] >= 20 - own
    assert f"nice {own if allowed else own + 7}\n" in bench.out.getvalue()


def test_supervisor_kills_only_the_node_that_hangs() -> None:
    bench = Bench({"learner": ("essential", WORKS_ON), "target": ("essential", STUBBORN)}, grace=1.0)
    assert bench.run(all_up(2), (signal.SIGINT,)) == 1
    assert "killed after 1 s without an end: target\n" in bench.err.getvalue()
    assert "learner | kept" in bench.out.getvalue()


def test_supervisor_late_node_starts_once_the_guard_is_up(tmp_path: Path) -> None:
    loads = f"""
import pathlib, time
from async_rl_core.bringup.process.link import UP, supervisor
time.sleep(0.3)
pathlib.Path({str(tmp_path / "loaded")!r}).touch()
supervisor().report(UP)
"""
    late = f"import pathlib; print('loaded' if pathlib.Path({str(tmp_path / 'loaded')!r}).exists() else 'too early')"
    bench = Bench({"learner": ("finisher", late), "guard": ("essential", loads + OBEYS)})
    learner, guard = bench.supervisor.specs
    bench.supervisor.specs = [replace(learner, starts_late=True), replace(guard, holds_arm=True)]
    assert bench.run() == 0
    assert "learner | loaded\n" in bench.out.getvalue()


def test_supervisor_stop_before_the_late_start_starts_nothing_more() -> None:
    bench = Bench({"learner": ("essential", OBEYS), "guard": ("essential", OBEYS)})
    learner, guard = bench.supervisor.specs
    bench.supervisor.specs = [replace(learner, starts_late=True), replace(guard, holds_arm=True)]
    assert bench.run(all_up(1), (signal.SIGTERM,)) == 0
    assert len(bench.ups()) == 1
    assert all(is_gone(pid) for pid in bench.ups())
