"""Keys that are missing, open or over: one line each."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from async_rl_core.config.catalogue import config_folder
from async_rl_core.errors import ConfigError
from async_rl_core.security.authority import VALIDITY
from async_rl_core.security.issue import make_keystore
from async_rl_core.security.keystore import enclave, enclave_folder, keystore_folder, require_keys

NOW = datetime.now(UTC)
ARM = enclave("robot_sim_node")


@pytest.fixture
def keystore(tmp_path: Path) -> Path:
    make_keystore(tmp_path / "keys", config_folder() / "security", NOW)
    return tmp_path / "keys"


def refusal(keystore: Path, name: str = ARM, now: datetime = NOW) -> str:
    with pytest.raises(ConfigError) as caught:
        require_keys(keystore, [enclave("monitor_node"), name], now)
    assert "\n" not in str(caught.value) and str(keystore) in str(caught.value)
    return str(caught.value)


def test_require_keys_complete_keys_are_accepted(keystore: Path) -> None:
    require_keys(keystore, [ARM, enclave("monitor_node")], NOW)


def test_require_keys_wrong_keys_are_named(keystore: Path, tmp_path: Path) -> None:
    assert "there is no keystore" in refusal(tmp_path / "nowhere")
    assert "arm has no cert.pem that can be read" in refusal(keystore, enclave("arm"))
    assert "make sros2-keys" in refusal(keystore, enclave("arm"))
    assert "ended on" in refusal(keystore, now=NOW + VALIDITY)
    key = enclave_folder(keystore, ARM) / "key.pem"
    key.chmod(0o640)
    assert f"others may read {key}" in refusal(keystore)
    key.unlink()
    assert "has no key.pem" in refusal(keystore)
    (keystore / "enclaves" / "governance.p7s").unlink()  # to which every enclave has a link
    assert "has no governance.p7s" in refusal(keystore)


def test_keystore_folder_follows_the_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert keystore_folder({}) == Path("/home/me/.ros/async_rl/keystore")
    assert keystore_folder({"ROS_HOME": "/var/ros"}) == Path("/var/ros/async_rl/keystore")
    assert keystore_folder({"ROS_HOME": "/var/ros", "ROS_SECURITY_KEYSTORE": "~/k"}) == Path("/home/me/k")
