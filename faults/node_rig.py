"""The real processes of a run; each can be killed, halted and restarted on its own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from types import TracebackType

from async_rl_core.bringup.graph import NodeSpec, environment, nodes
from async_rl_core.bringup.process.executable import command
from async_rl_core.config.load import read_config, write_config
from async_rl_core.config.schema import Config
from async_rl_core.transport.shared_memory import service

STOP_TIMEOUT = 15.0


class NodeRig:
    """Starts the nodes of a configuration without a supervisor: nothing is restarted but by the test.

    Args:
        config: of the run; its `run_dir` is created.
        domain: ROS domain.
        without: nodes that are not started.
        mutants: by node, the protection that it runs without (see `faults.mutants`).
        variables: of every node's environment besides.
    """

    def __init__(
        self,
        config: Config,
        domain: int,
        without: tuple[str, ...] = (),
        mutants: Mapping[str, str] | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        assert config.run_dir is not None
        self.config, self.run_dir, self.domain = config, config.run_dir, domain
        self.run_dir.mkdir(parents=True, exist_ok=True)
        path = self.run_dir / "config.yaml"
        write_config(config, path)
        self.config = read_config(path)
        self.specs = {spec.name: spec for spec in nodes(self.config, path) if spec.name not in without}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self._mutants = mutants or {}
        self._ambient = {**os.environ, **(variables or {}), "ROS_DOMAIN_ID": str(domain)}

    def __enter__(self) -> "NodeRig":
        service.clean_up_dead(str(self.domain))
        for name in self.specs:
            self.start(name)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        for process in self.processes.values():
            process.send_signal(signal.SIGCONT)
            process.terminate()
        end = time.monotonic() + STOP_TIMEOUT
        for process in self.processes.values():
            try:
                process.wait(max(0.0, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        service.clean_up_dead(str(self.domain))

    def start(self, name: str) -> None:
        """Starts a node that does not run."""
        spec = self.specs[name]
        with (self.run_dir / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                self._line(spec),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**self._ambient, **environment(self._ambient), **spec.env},
                start_new_session=True,
            )

    def _line(self, spec: NodeSpec) -> list[str]:
        line = command(spec, self._ambient)
        mutant = self._mutants.get(spec.name)
        return line if mutant is None else [sys.executable, "-m", "faults.mutants", mutant, spec.name, *line[1:]]

    def pid(self, name: str) -> int:
        """Returns the process number of a node."""
        return self.processes[name].pid

    def signal(self, name: str, number: int) -> float:
        """Sends a signal to a node; returns the steady time just before."""
        now = time.monotonic()
        os.kill(self.pid(name), number)
        return now

    def restart(self, name: str) -> None:
        """Restarts a killed node when it has ended."""
        self.processes[name].wait(STOP_TIMEOUT)
        service.clean_up_dead(str(self.domain))
        self.start(name)

    def log(self, name: str) -> str:
        """Returns the output of a node."""
        return (self.run_dir / f"{name}.log").read_text(errors="replace", encoding="utf-8")

    def require_all(self) -> None:
        """Raises `RuntimeError` if a node has ended by itself."""
        for name, process in self.processes.items():
            if process.poll() is not None:
                raise RuntimeError(f"{name} ended with {process.returncode}: {self.log(name)[-2000:]}")
