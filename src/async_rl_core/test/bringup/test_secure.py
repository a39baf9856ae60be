"""`secure:=true`: what each process is given, and that nothing starts without keys."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from async_rl_core.bringup import secure
from async_rl_core.bringup.graph import NodeSpec, nodes
from async_rl_core.bringup.process.executable import command
from async_rl_core.config.catalogue import config_folder
from async_rl_core.config.load import resolve
from async_rl_core.errors import ConfigError
from async_rl_core.security.issue import make_keystore

SPECS = nodes(resolve(), Path("config.yaml"))


@pytest.fixture
def ambient(tmp_path: Path) -> dict[str, str]:
    """A keystore, and a person's own variables, which would weaken security."""
    keystore = tmp_path / "keys"
    make_keystore(keystore, config_folder() / "security", datetime.now(UTC))
    return {
        "ROS_SECURITY_KEYSTORE": str(keystore),
        "ROS_SECURITY_ENABLE": "false",
        "ROS_SECURITY_STRATEGY": "Permissive",
        "ROS_SECURITY_ENCLAVE_OVERRIDE": "/async_rl/safety_guard_node",
    }


def test_each_process_is_in_its_own_enclave(ambient: dict[str, str], tmp_path: Path) -> None:
    started = [secure.secured(spec, ambient) for spec in SPECS]
    assert [spec.enclave for spec in started] == [f"/async_rl/{spec.name}" for spec in SPECS]
    for before, spec in zip(SPECS, started, strict=True):
        assert {**before.env, **spec.env} == spec.env
        assert spec.env["ROS_SECURITY_ENABLE"] == "true"
        assert spec.env["ROS_SECURITY_STRATEGY"] == "Enforce"
        assert spec.env["ROS_SECURITY_KEYSTORE"] == str(tmp_path / "keys")
        assert spec.env["ROS_SECURITY_ENCLAVE_OVERRIDE"] == ""


def test_the_enclave_is_on_the_command_line(tmp_path: Path) -> None:
    executable = tmp_path / "lib" / "arm" / "move"
    executable.parent.mkdir(parents=True)
    executable.touch(0o755)
    spec = secure.secured(NodeSpec("arm", "move", "left", "essential"), {})
    line = command(spec, {"AMENT_PREFIX_PATH": str(tmp_path)})
    assert line[1:] == ["--ros-args", "-r", "__node:=left", "--enclave", "/async_rl/left"]


def test_nothing_starts_without_keys(ambient: dict[str, str], tmp_path: Path) -> None:
    secure.check_secure(SPECS, True, ambient)
    with pytest.raises(ConfigError, match="secure:=true, but there is no keystore"):
        secure.check_secure(SPECS, False, {"ROS_SECURITY_KEYSTORE": str(tmp_path / "none")})
    folder = tmp_path / "keys" / "enclaves" / "async_rl" / "driver"
    folder.rename(tmp_path / "driver")
    secure.check_secure(SPECS, False, ambient)
    with pytest.raises(ConfigError, match=r"driver has no cert\.pem"):
        secure.check_secure(SPECS, True, ambient)
