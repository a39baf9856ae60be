"""SROS2 in Enforce mode, if the middleware has its plug-ins: without keys nothing is sent or received.

ROS 2's own packages have them, the wheels have not: there these tests are left out (docs/security.md).
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from async_rl_core.bringup.graph import environment
from async_rl_core.bringup.secure import variables
from async_rl_core.config.catalogue import config_folder
from async_rl_core.errors import ConfigError
from async_rl_core.security.issue import make_keystore
from async_rl_core.security.keystore import VARIABLE, enclave, enclave_folder
from async_rl_core.security.middleware import require_plugins

from .conftest import until_armed

MESSAGES = 10_000
GUARD, STRANGER, FOREIGNER, LAST = 1.0, 2.0, 3.0, 4.0
"""Numbers that identify the sender to the receiver."""


def lacking() -> str:
    try:
        require_plugins(os.environ)
    except ConfigError as error:
        return str(error)
    return ""


pytestmark = pytest.mark.skipif(bool(lacking()), reason=lacking())


@pytest.fixture
def keystore(tmp_path: Path) -> Path:
    make_keystore(tmp_path / "keys", config_folder() / "security", datetime.now(UTC))
    return tmp_path / "keys"


class Peers:
    """Starts processes of `peer.py` in a domain."""

    def __init__(self, root: Path, domain: int) -> None:
        self._root, self._domain = root, domain

    def start(self, node: str | None, keystore: Path, *words: object) -> "subprocess.Popen[str]":
        """Starts one in the enclave of a node, or without an enclave."""
        ambient = {**os.environ, "ROS_DOMAIN_ID": str(self._domain), VARIABLE: str(keystore)}
        security = variables(ambient, enclave(node)) if node else {}
        return subprocess.Popen(
            [sys.executable, "-m", "tests.system.peer", node or "stranger", *map(str, words)],
            cwd=self._root,
            env={**ambient, **environment(ambient), **security},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


@pytest.fixture
def peers(root: Path, domain: int) -> Peers:
    return Peers(root, domain)


def told(process: "subprocess.Popen[str]") -> dict[str, int]:
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    found: dict[str, int] = json.loads(output.splitlines()[-1])
    return found


@pytest.mark.timeout(120)
def test_robot_receives_commands_of_the_guard_only(peers: Peers, keystore: Path, tmp_path: Path) -> None:
    make_keystore(tmp_path / "other", config_folder() / "security", datetime.now(UTC))
    robot = peers.start("robot_sim_node", keystore, "hear", LAST, 60)
    eavesdropper = peers.start(None, keystore, "hear", LAST, 20)
    for process in (robot, eavesdropper):
        assert process.stdout is not None
        assert process.stdout.readline() == "listening\n"
    speakers = [
        peers.start("safety_guard_node", keystore, "say", GUARD, MESSAGES),
        peers.start(None, keystore, "say", STRANGER, MESSAGES),
        peers.start("safety_guard_node", tmp_path / "other", "say", FOREIGNER, MESSAGES),
    ]
    for speaker in speakers:
        told(speaker)
    told(peers.start("safety_guard_node", keystore, "say", LAST, MESSAGES // 5))
    heard = told(robot)
    assert set(heard) == {str(GUARD), str(LAST)}
    assert heard[str(GUARD)] > MESSAGES / 2  # the rest went out before the two knew each other
    assert set(told(eavesdropper)) <= {str(STRANGER)}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("node", ["rl_agent_node", "operator", "driver", "monitor_node"])
def test_other_node_cannot_command_the_robot(peers: Peers, keystore: Path, node: str) -> None:
    process = peers.start(node, keystore, "say", STRANGER, 10)
    _, errors = process.communicate(timeout=30)
    assert process.returncode != 0
    assert "node.create_publisher" in errors, errors


@pytest.mark.timeout(60)
@pytest.mark.parametrize("change", ["forged", "borrowed"])
def test_foreign_or_changed_rights_are_refused(peers: Peers, keystore: Path, change: str) -> None:
    agent = enclave_folder(keystore, enclave("rl_agent_node")) / "permissions.p7s"
    if change == "forged":
        command = "rt/forward_velocity_controller/commands"
        agent.write_text(agent.read_text().replace("rt/rl_agent_node/command", command))
    else:
        shutil.copy(enclave_folder(keystore, enclave("safety_guard_node")) / "permissions.p7s", agent)
    process = peers.start("rl_agent_node", keystore, "say", STRANGER, 10)
    process.communicate(timeout=30)
    assert process.returncode != 0


@pytest.mark.timeout(120)
def test_secure_run_is_not_disturbed_by_a_stranger(
    peers: Peers, keystore: Path, preset: Path, domain: int, tmp_path: Path
) -> None:
    words = ("reacher", f"preset:={preset}", f"run_dir:={tmp_path / 'run'}", "secure:=true", "episodes:=2")
    run = subprocess.Popen(
        ["async_rl", "launch", *words],
        env={**os.environ, "ROS_DOMAIN_ID": str(domain), VARIABLE: str(keystore)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    output, reader = until_armed(run)
    try:
        told(peers.start(None, keystore, "say", STRANGER, MESSAGES))
        assert run.wait(60) == 0, "".join(output)
    finally:
        run.send_signal(signal.SIGTERM)
        reader.join()
    assert "FAULT" not in "".join(output)  # the guard would have seen a second publisher
    assert "episode    2" in "".join(output)
