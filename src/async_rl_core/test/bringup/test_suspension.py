"""Ctrl-Z, a blocked output and a killed supervisor, with a supervisor in a process of its own and scripts as nodes."""

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

SUPERVISOR = """
import asyncio, os, sys
from async_rl_core.bringup.process import supervisor as module
from async_rl_core.bringup.graph import NodeSpec
from async_rl_core.bringup.process.output import TerminalOutput

module.REST_TIMEOUT = float(os.environ.get("REST_TIMEOUT", "60"))
scripts = dict(zip(sys.argv[1::2], sys.argv[2::2]))
specs = [NodeSpec("test", name, name, "essential", holds_arm=name == "guard") for name in scripts]
line = lambda spec, ambient: [sys.executable, "-c", scripts[spec.name]]
with TerminalOutput([]) as output:
    sys.exit(asyncio.run(module.Supervisor(specs, output, line=line).run()))
"""
GUARD = """
import signal, sys, time
from async_rl_core.bringup.process.link import *
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
link = supervisor()
link.report(UP)
print("up", flush=True)
while True:
    for order in link.orders():
        print("ordered to", order, flush=True)
        if order == PAUSE:
            time.sleep({ramp})
            print("rests", flush=True)
            link.report(AT_REST)
    time.sleep(0.005)
"""
DEAF = """
import signal
from async_rl_core.bringup.process.link import *
supervisor().report(UP)
print("up", flush=True)
while True: signal.pause()
"""
LOADS = "import time; print('up', flush=True); time.sleep(1000)"
BUSY = "print('up', flush=True)\nwhile True: pass"
TALKS = "import sys; print('up', flush=True)\nwhile True: print('x' * 1000, flush=True)"


class Child:
    """A supervisor whose signals and states are those of a process."""

    def __init__(self, *scripts: str, **variables: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", SUPERVISOR, *scripts],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, **variables},
            text=True,
            start_new_session=True,
        )
        self.pid = self._process.pid
        self.output = ""

    def send(self, number: int) -> None:
        os.kill(self.pid, number)

    def read_until(self, text: str) -> None:
        """Read whole lines until one has the text."""
        assert self._process.stdout is not None
        while text not in (line := self._process.stdout.readline()):
            assert line, self.output
            self.output += line
        self.output += line

    def await_stop(self) -> None:
        """Wait until the process is suspended."""
        _, status = os.waitpid(self.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status), (status, self.output)

    def end(self) -> int:
        """The exit code, once the process has ended."""
        assert self._process.stdout is not None
        self.output += self._process.stdout.read()
        return self._process.wait(60.0)

    def nodes(self) -> list[int]:
        """The processes that it started."""
        return [int(pid) for pid in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]

    def close(self) -> None:
        """Leave nothing behind."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


@pytest.fixture
def children() -> Iterator[list[Child]]:
    started: list[Child] = []
    yield started
    for child in started:
        child.close()


def start(children: list[Child], *scripts: str, **variables: str) -> Child:
    child = Child(*scripts, **variables)
    children.append(child)
    for _ in scripts[1::2]:
        child.read_until("up")
    return child


def test_sigtstp_suspends_once_the_arm_is_at_rest_and_sigcont_lets_it_arm_again(children: list[Child]) -> None:
    child = start(children, "guard", GUARD.format(ramp=0.3), "agent", LOADS)
    child.send(signal.SIGTSTP)
    child.await_stop()
    child.read_until("suspended, the arm is at rest; type fg")
    assert child.output.index("ordered to pause") < child.output.index("rests") < child.output.index("suspended, ")
    assert "resume" not in child.output
    child.send(signal.SIGCONT)
    child.read_until("ordered to resume")
    assert "continued; " in child.output
    child.send(signal.SIGTSTP)  # and once more
    child.await_stop()
    child.send(signal.SIGCONT)
    child.read_until("ordered to resume")
    child.send(signal.SIGINT)
    assert child.end() == 0, child.output


def test_sigtstp_before_the_guard_is_up_is_delivered_later(children: list[Child]) -> None:
    child = start(children, "guard", "print('up', flush=True)\nimport time; time.sleep(1.0)\n" + GUARD.format(ramp=0))
    child.send(signal.SIGTSTP)
    child.await_stop()
    time.sleep(1.0)  # the guard goes on starting meanwhile
    child.send(signal.SIGCONT)
    child.read_until("ordered to resume")
    assert child.output.index("ordered to pause") < child.output.index("ordered to resume")


def test_sigtstp_with_a_guard_that_does_not_answer_kills_it_and_ends_the_run(children: list[Child]) -> None:
    child = start(children, "guard", DEAF, "agent", LOADS, REST_TIMEOUT="0.5")
    child.send(signal.SIGTSTP)
    assert child.end() == 1
    assert "not suspended: guard did not bring the arm to rest within 0.5 s; killed" in child.output


def test_sigcont_before_the_arm_is_at_rest_suspends_nothing(children: list[Child]) -> None:
    child = start(children, "guard", GUARD.format(ramp=1.0))
    child.send(signal.SIGTSTP)
    child.read_until("ordered to pause")
    child.send(signal.SIGCONT)
    child.read_until("ordered to resume")
    assert "suspended, " not in child.output


def test_sigterm_to_a_suspended_run_ends_it_without_arming(children: list[Child]) -> None:
    child = start(children, "guard", GUARD.format(ramp=0))
    child.send(signal.SIGTSTP)
    child.await_stop()
    child.send(signal.SIGTERM)
    child.send(signal.SIGCONT)
    assert child.end() == 0, child.output
    assert "resume" not in child.output


def test_sigtstp_while_the_run_ends_is_refused(children: list[Child]) -> None:
    child = start(children, "learner", DEAF.replace("import signal\n", "import signal\nsignal.signal(15, print)\n"))
    child.send(signal.SIGTERM)
    child.read_until("stopping")
    child.send(signal.SIGTSTP)
    child.read_until("not suspended while the run ends")
    child.send(signal.SIGINT)
    assert child.end() == 1


def test_sigquit_ends_the_run_in_order(children: list[Child]) -> None:
    child = start(children, "guard", GUARD.format(ramp=0))
    child.send(signal.SIGQUIT)
    assert child.end() == 0, child.output


def test_signal_with_a_blocked_output_ends_the_run(children: list[Child]) -> None:
    child = start(children, "agent", TALKS)
    time.sleep(0.5)  # its pipe is full after a few milliseconds
    nodes = child.nodes()
    child.send(signal.SIGINT)
    handle = os.pidfd_open(nodes[0])
    ended, _, _ = select.select([handle], [], [], 30.0)
    os.close(handle)
    assert ended
    assert os.WEXITSTATUS(os.waitpid(child.pid, 0)[1]) == 0  # and it ends itself, still unread


@pytest.mark.parametrize("script", [LOADS, BUSY])
def test_killed_supervisor_ends_nodes_that_are_starting(children: list[Child], script: str) -> None:
    child = start(children, "learner", script)
    handles = [os.pidfd_open(pid) for pid in child.nodes()]
    child.send(signal.SIGKILL)
    for handle in handles:
        ended, _, _ = select.select([handle], [], [], 5.0)
        os.close(handle)
        assert ended
