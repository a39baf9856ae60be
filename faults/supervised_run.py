"""A run as a user starts it, with its supervisor."""

import contextlib
import os
import select
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from async_rl_core.bringup.graph import nodes
from async_rl_core.config.load import write_config
from async_rl_core.config.schema import Config
from faults.arm_listener import PromiseTimeoutError
from faults.run_listener import RunListener
from testing.run_resources import processes_of

ROOT = Path(__file__).resolve().parent.parent
STOP_TIMEOUT = 15.0


class SupervisedRun:
    """Runs `async_rl launch reacher` with a configuration as its preset.

    Args:
        config: of the run; it has a `run_dir`.
        domain: ROS domain.
        mutants: by node, the protection that it runs without (see `faults.mutants`); the supervisor's is `async_rl`.
        output: a descriptor that the run's output goes to, in place of its log.
    """

    def __init__(
        self, config: Config, domain: int, mutants: Mapping[str, str] | None = None, output: int | None = None
    ) -> None:
        assert config.run_dir is not None
        self.run_dir, self._config, self._domain = config.run_dir, config, domain
        self._log = self.run_dir.with_suffix(".log")
        self._ambient = {**os.environ, "ROS_DOMAIN_ID": str(domain)}
        self._output = output
        mutants = dict(mutants or {})
        self._command = ["async_rl"]
        if own := mutants.pop("async_rl", None):
            self._command = [sys.executable, "-m", "faults.mutants", own, "async_rl"]
        if mutants:
            prefix = self.run_dir.with_suffix(".mutants").absolute()
            for node, mutant in mutants.items():
                _stand_in(prefix, node, mutant)
            self._ambient["AMENT_PREFIX_PATH"] = f"{prefix}{os.pathsep}{self._ambient['AMENT_PREFIX_PATH']}"

    def __enter__(self) -> "SupervisedRun":
        preset = self.run_dir.with_suffix(".yaml")
        write_config(self._config, preset)
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*self._command, "launch", "reacher", f"preset:={preset}", f"run_dir:={self.run_dir}"],
                env=self._ambient,
                stdin=subprocess.DEVNULL,
                stdout=log if self._output is None else self._output,
                stderr=subprocess.STDOUT,
            )
        return self

    @property
    def process(self) -> int:
        """Process number of the supervisor."""
        return self._process.pid

    def signal(self, number: int) -> float:
        """Sends a signal to the supervisor; returns the steady time just before."""
        now = time.monotonic()
        self._process.send_signal(number)
        return now

    def wait(self, timeout: float) -> int:
        """Waits for the end of the run; returns its exit code. Raises `PromiseTimeoutError` if it does not end."""
        try:
            return self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise PromiseTimeoutError(f"the run's end: not within {timeout:g} s") from None

    def abandon(self) -> None:
        """Kills a supervisor that has not ended; the kernel then ends its nodes."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.stop()

    def stop(self) -> int:
        """Ends the run as a user does and returns its exit code; has no effect on an ended run."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGCONT)
            self._process.send_signal(signal.SIGINT)
        return self._process.wait(STOP_TIMEOUT)

    def terminal_output(self) -> str:
        """Returns the terminal output of the run."""
        return self._log.read_text(errors="replace", encoding="utf-8")

    def require_running(self) -> None:
        """Raises `RuntimeError` if the run has ended by itself."""
        if self._process.poll() is not None:
            lines = self._log.read_text(errors="replace", encoding="utf-8")[-2000:]
            raise RuntimeError(f"the run ended with {self._process.returncode}: {lines}")

    def kill(self, name: str) -> float:
        """Kills a node with SIGKILL, which the supervisor restarts; returns the steady time just before."""
        pid = self.pid(name)
        now = time.monotonic()
        os.kill(pid, signal.SIGKILL)
        return now

    def names(self) -> list[str]:
        """Returns the names of the run's nodes."""
        return [spec.name for spec in nodes(self._config, self.run_dir / "config.yaml")]

    def pid(self, name: str) -> int:
        """Returns the process number of a node. Raises `ProcessLookupError` if it does not run."""
        for pid in processes_of(self.run_dir):
            with contextlib.suppress(OSError):  # it just ended
                if f"__node:={name}\0".encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
                    return pid
        self.require_running()
        raise ProcessLookupError(f"{name} does not run")


class UnreadPipe:
    """A pipe for a run's output that is read until `fill` and not afterwards."""

    def __init__(self) -> None:
        self._outlet, self.inlet = os.pipe()
        self._read = threading.Event()

    def __enter__(self) -> "UnreadPipe":
        self._thread = threading.Thread(target=self._discard)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._stop_reading()
        os.close(self._outlet)
        os.close(self.inlet)

    def fill(self) -> None:
        """Stops reading and fills the pipe."""
        self._stop_reading()
        own = os.open(f"/proc/self/fd/{self.inlet}", os.O_WRONLY | os.O_NONBLOCK)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(own, b"\n" * select.PIPE_BUF)
        os.close(own)

    def _stop_reading(self) -> None:
        self._read.set()
        self._thread.join()

    def _discard(self) -> None:
        while not self._read.is_set():
            if select.select([self._outlet], [], [], 0.1)[0]:
                os.read(self._outlet, 65536)


def _stand_in(prefix: Path, node: str, mutant: str) -> None:
    """Creates an executable that replaces a node's."""
    path = prefix / "lib" / node / node
    path.parent.mkdir(parents=True, exist_ok=True)
    words = shlex.join([sys.executable, "-m", "faults.mutants", mutant, node])
    path.write_text(f'#!/bin/sh\ncd {shlex.quote(str(ROOT))} && exec {words} "$@"\n', encoding="utf-8")
    path.chmod(0o700)


def await_learning(run: SupervisedRun, listener: RunListener, above: int, timeout: float = 90.0) -> float:
    """Waits for a learner state with more updates than `above`; returns its steady time of receipt."""

    def found() -> float | None:
        return next((heard for heard, updates in listener.learner if updates > above), None)

    try:
        listener.wait(lambda: found() is not None, timeout, f"a learner beyond update {above}")
    except TimeoutError:
        run.require_running()
        raise
    heard = found()
    assert heard is not None
    return heard
