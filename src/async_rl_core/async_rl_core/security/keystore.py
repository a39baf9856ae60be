"""The keystore of SROS2, and a check of the keys that a run needs."""

import os
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path

from async_rl_core.config.paths import user_path
from async_rl_core.errors import ConfigError
from async_rl_core.security.permissions import expiry

VARIABLE = "ROS_SECURITY_KEYSTORE"

PERMISSIONS = "permissions.xml"
"""The document that `permissions.p7s` signs, in clear."""

NEEDED = (
    "cert.pem",
    "key.pem",
    "permissions.p7s",
    PERMISSIONS,
    "governance.p7s",
    "identity_ca.cert.pem",
    "permissions_ca.cert.pem",
)
"""The files of an enclave's folder."""

_REMEDY = "make the keys with 'async_rl keys' (or 'make sros2-keys')"


def keystore_folder(ambient: Mapping[str, str]) -> Path:
    """Returns ROS_SECURITY_KEYSTORE, else `async_rl/keystore` in ROS's folder, which is ~/.ros."""
    if chosen := ambient.get(VARIABLE):
        return user_path(chosen).absolute()
    return user_path(ambient.get("ROS_HOME") or "~/.ros").absolute() / "async_rl" / "keystore"


def enclave(node: str) -> str:
    """Returns the enclave of a node, by the node's name."""
    return f"/async_rl/{node}"


def enclave_folder(keystore: Path, enclave: str) -> Path:
    """Returns the folder of an enclave."""
    return keystore / "enclaves" / enclave.lstrip("/")


def require_keys(keystore: Path, enclaves: Iterable[str], now: datetime) -> None:
    """Raises `ConfigError` unless all these enclaves have valid keys that only their owner can read.

    Whether the signatures are good is for the middleware to judge, which trusts nobody else's word.
    """
    if not keystore.is_dir():
        raise ConfigError(f"secure:=true, but there is no keystore {keystore}; {_REMEDY}")
    for name in enclaves:
        folder = enclave_folder(keystore, name)
        missing = [file for file in NEEDED if not os.access(folder / file, os.R_OK)]
        if missing:
            raise ConfigError(f"secure:=true, but {folder} has no {missing[0]} that can be read; {_REMEDY}")
        if (folder / "key.pem").stat().st_mode & 0o077:
            raise ConfigError(f"secure:=true, but others may read {folder / 'key.pem'}; make new keys, elsewhere")
        ends = expiry(folder / PERMISSIONS)
        if ends <= now:
            raise ConfigError(f"secure:=true, but the keys in {folder} ended on {ends:%Y-%m-%d}; {_REMEDY}")
