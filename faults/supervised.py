"""A run as a user starts it, with the supervisor that starts its nodes again."""

import contextlib
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from async_rl_core.bringup.graph import nodes
from async_rl_core.config.load import write_config
from async_rl_core.config.schema import Config
from faults.census import processes_of
from faults.ear import Ear

ROOT = Path(__file__).resolve().parent.parent
STOP_TIMEOUT = 15.0


class SupervisedRun:
    """`async_rl launch reacher` with a configuration as its preset.

    Args:
        config: of the run; it has a `run_dir`.
        domain: ROS domain.
        mutants: by node, the protection that it runs without (see `faults.mutants`).
    """

    def __init__(self, config: Config, domain: int, mutants: Mapping[str, str] | None = None) -> None:
        assert config.run_dir is not None
        self.run_dir, self._config, self._domain = config.run_dir, config, domain
        self._log = self.run_dir.with_suffix(".log")
        self._ambient = {**os.environ, "ROS_DOMAIN_ID": str(domain)}
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
                ["async_rl", "launch", "reacher", f"preset:={preset}", f"run_dir:={self.run_dir}"],
                env=self._ambient,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.stop()

    def stop(self) -> int:
        """End the run as a user does, and return its exit code; a second time does nothing more."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        return self._process.wait(STOP_TIMEOUT)

    def said(self) -> str:
        """What the run has written to its terminal."""
        return self._log.read_text(errors="replace", encoding="utf-8")

    def require_running(self) -> None:
        """Raise where the run has ended by itself."""
        if self._process.poll() is not None:
            lines = self._log.read_text(errors="replace", encoding="utf-8")[-2000:]
            raise RuntimeError(f"the run ended with {self._process.returncode}: {lines}")

    def kill(self, name: str) -> float:
        """SIGKILL a node; returns the steady time just before. The supervisor starts it again."""
        pid = self.pid(name)
        now = time.monotonic()
        os.kill(pid, signal.SIGKILL)
        return now

    def names(self) -> list[str]:
        """The run's nodes."""
        return [spec.name for spec in nodes(self._config, self.run_dir / "config.yaml")]

    def pid(self, name: str) -> int:
        """The process of a node. Raises `ProcessLookupError` where it does not run just now."""
        for pid in processes_of(self.run_dir):
            with contextlib.suppress(OSError):  # it just ended
                if f"__node:={name}\0".encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
                    return pid
        self.require_running()
        raise ProcessLookupError(f"{name} does not run")


def _stand_in(prefix: Path, node: str, mutant: str) -> None:
    """Make an executable that is found in the place of a node's."""
    path = prefix / "lib" / node / node
    path.parent.mkdir(parents=True, exist_ok=True)
    words = shlex.join([sys.executable, "-m", "faults.mutants", mutant, node])
    path.write_text(f'#!/bin/sh\ncd {shlex.quote(str(ROOT))} && exec {words} "$@"\n', encoding="utf-8")
    path.chmod(0o700)


def await_learning(run: SupervisedRun, ear: Ear, above: int, timeout: float = 90.0) -> float:
    """Wait for a state of the learner with more updates than that; returns when it came, in steady time."""

    def found() -> float | None:
        return next((heard for heard, updates in ear.learner if updates > above), None)

    try:
        ear.wait(lambda: found() is not None, timeout, f"a learner beyond update {above}")
    except TimeoutError:
        run.require_running()
        raise
    heard = found()
    assert heard is not None
    return heard
