"""A keystore as ROS 2 expects it, closed to others, whose signatures another program verifies."""

import os
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from async_rl_core.config.catalogue import config_folder
from async_rl_core.errors import ConfigError
from async_rl_core.security.access_policy import read_policies
from async_rl_core.security.authority import VALIDITY
from async_rl_core.security.issue import make_keystore
from async_rl_core.security.keystore import NEEDED

NOW = datetime.now(UTC)
openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")


@pytest.fixture
def security(tmp_path: Path) -> Path:
    """The policies of three enclaves."""
    folder = tmp_path / "security"
    shutil.copytree(config_folder() / "security", folder)
    for path in folder.glob("*.policy.xml"):
        if path.name.split(".")[0] not in ("safety_guard_node", "rl_agent_node", "driver"):
            path.unlink()
    return folder


@pytest.fixture
def keystore(tmp_path: Path, security: Path) -> Path:
    """One that was made under an open umask."""
    before = os.umask(0)
    make_keystore(tmp_path / "keys", security, NOW)
    os.umask(before)
    return tmp_path / "keys"


def guard(keystore: Path) -> Path:
    return keystore / "enclaves" / "async_rl" / "safety_guard_node"


def contents(keystore: Path) -> dict[str, bytes]:
    return {str(path.relative_to(keystore)): path.read_bytes() for path in keystore.rglob("*") if path.is_file()}


def verified(signed: Path, keystore: Path) -> bool:
    authority = str(keystore / "public" / "permissions_ca.cert.pem")
    line = ["openssl", "smime", "-verify", "-text", "-in", str(signed), "-CAfile", authority]
    return subprocess.run(line, capture_output=True).returncode == 0


def test_keystore_has_the_layout_of_sros2(keystore: Path) -> None:
    for name in ("ca", "identity_ca", "permissions_ca"):
        assert (keystore / "public" / f"{name}.cert.pem").is_file()
        assert (keystore / "private" / f"{name}.key.pem").is_file()
    assert (keystore / "enclaves" / "governance.p7s").is_file()
    for name in ("driver", "safety_guard_node", "rl_agent_node"):
        assert {path.name for path in (keystore / "enclaves" / "async_rl" / name).iterdir()} == set(NEEDED)
    moved = keystore.rename(keystore.with_name("moved"))  # no link leads outside
    assert all((guard(moved) / name).is_file() for name in NEEDED)


def test_keystore_is_readable_by_its_owner_only(keystore: Path) -> None:
    modes = {path: path.lstat().st_mode for path in (keystore, *keystore.rglob("*")) if not path.is_symlink()}
    assert not [path for path, mode in modes.items() if mode & 0o077]
    assert {mode & 0o777 for path, mode in modes.items() if path.is_dir()} == {0o700}
    assert {mode & 0o777 for path, mode in modes.items() if path.is_file()} == {0o600}


@openssl
def test_openssl_verifies_what_is_signed_and_nothing_else(keystore: Path, tmp_path: Path) -> None:
    assert verified(guard(keystore) / "permissions.p7s", keystore)
    assert verified(guard(keystore) / "governance.p7s", keystore)
    forged = tmp_path / "forged.p7s"
    text = (guard(keystore) / "permissions.p7s").read_text()
    forged.write_text(text.replace("rt/rl_agent_node/command", "rt/rl_agent_node/commanx"))
    assert not verified(forged, keystore)
    chain = ["openssl", "verify", "-CAfile", str(guard(keystore) / "identity_ca.cert.pem")]
    assert subprocess.run([*chain, str(guard(keystore) / "cert.pem")], capture_output=True).returncode == 0


def test_make_keystore_keeps_valid_keys_and_adds_new_ones(keystore: Path, security: Path) -> None:
    before = contents(keystore)
    shutil.copy(config_folder() / "security" / "monitor_node.policy.xml", security)
    assert make_keystore(keystore, security, NOW) == ["/async_rl/monitor_node"]
    after = contents(keystore)
    kept = [name for name in before if name.endswith((".pem", ".xml"))]
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}


def test_rights_follow_the_policies(keystore: Path, security: Path) -> None:
    path = security / "safety_guard_node.policy.xml"
    path.write_text(path.read_text().replace("<topic>robot_status</topic>", ""))
    assert make_keystore(keystore, security, NOW) == []
    assert b"rt/robot_status" not in (guard(keystore) / "permissions.p7s").read_bytes()
    assert b"rt/joint_states" in (guard(keystore) / "permissions.p7s").read_bytes()


def test_make_keystore_replaces_damaged_and_expired_keys(keystore: Path, security: Path) -> None:
    (guard(keystore) / "key.pem").write_text("")
    assert make_keystore(keystore, security, NOW) == ["/async_rl/safety_guard_node"]
    (guard(keystore) / "cert.pem").unlink()
    assert make_keystore(keystore, security, NOW) == ["/async_rl/safety_guard_node"]
    later = NOW + VALIDITY + timedelta(days=1)
    assert len(make_keystore(keystore, security, later)) == len(read_policies(security))


def test_make_keystore_without_its_authority_is_refused(keystore: Path, security: Path) -> None:
    key = keystore / "private" / "ca.key.pem"
    away = key.rename(keystore.parent / "safe.pem")
    before = contents(keystore)
    with pytest.raises(ConfigError, match="the authority's key is not here"):
        make_keystore(keystore, security, NOW)
    key.write_bytes(away.read_bytes()[:-50])
    with pytest.raises(ConfigError, match="make a new keystore"):
        make_keystore(keystore, security, NOW)
    assert {name: text for name, text in contents(keystore).items() if "ca.key" not in name} == before


def test_make_keystore_in_an_impossible_folder_is_refused(tmp_path: Path, security: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="Not a directory") as caught:
        make_keystore(tmp_path / "file" / "keys", security, NOW)
    assert "\n" not in str(caught.value)
