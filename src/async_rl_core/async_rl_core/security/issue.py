"""Makes a keystore as `ros2 security` would: an authority, and identity and signed rights for each enclave."""

import os
from datetime import datetime
from pathlib import Path

from async_rl_core.atomic_file import replacing
from async_rl_core.errors import ConfigError
from async_rl_core.security.access_policy import AccessPolicy, read_policies
from async_rl_core.security.authority import Authority, Identity
from async_rl_core.security.keystore import PERMISSIONS, enclave_folder
from async_rl_core.security.permissions import permissions

FOLDER, FILE = 0o700, 0o600

_CA_KEY, _CA_CERTIFICATE = Path("private/ca.key.pem"), Path("public/ca.cert.pem")
_GOVERNANCE = "governance"


def make_keystore(keystore: Path, security: Path, now: datetime) -> list[str]:
    """Makes a keystore, or updates one: valid keys are kept, rights are always signed again.

    Args:
        keystore: its folder.
        security: the folder of the policies and of governance.xml.
        now: the time, with its zone.

    Returns:
        The enclaves that got new keys.

    Raises:
        ConfigError: a policy is invalid, a folder cannot be written, or the authority's key is missing.
    """
    policies = read_policies(security)
    try:
        for folder in (keystore, *(keystore / name for name in ("public", "private", "enclaves"))):
            _make_folder(folder)
        authority = _authority(keystore, now)
        for role in ("identity", "permissions"):
            _link(keystore / f"private/{role}_ca.key.pem", Path(_CA_KEY.name))
            _link(keystore / f"public/{role}_ca.cert.pem", Path(_CA_CERTIFICATE.name))
        rules = (security / f"{_GOVERNANCE}.xml").read_bytes()
        _write(keystore / "enclaves" / f"{_GOVERNANCE}.xml", rules)
        _write(keystore / "enclaves" / f"{_GOVERNANCE}.p7s", authority.sign(rules))
        return [policy.enclave for policy in policies if _make_enclave(keystore, policy, authority, now)]
    except OSError as error:
        raise ConfigError(
            f"keystore {error.filename or keystore}: {error.strerror}; correct it, or name another folder"
        ) from None


def _authority(keystore: Path, now: datetime) -> Authority:
    key, certificate = keystore / _CA_KEY, keystore / _CA_CERTIFICATE
    if not certificate.exists():  # it is written last, so a keystore without it has issued nothing
        authority = Authority.create(now)
        _write(key, authority.key)
        _write(certificate, authority.certificate)
        return authority
    if not key.exists():
        raise ConfigError(
            f"keystore {keystore}: the authority's key is not here ({_CA_KEY}); put it back to issue keys, or name "
            "another folder for a new one"
        )
    try:
        return Authority(certificate.read_bytes(), key.read_bytes())
    except ValueError as error:
        raise ConfigError(
            f"keystore {keystore}: {_CA_KEY} and {_CA_CERTIFICATE}: {error}; make a new keystore"
        ) from None


def _make_enclave(keystore: Path, policy: AccessPolicy, authority: Authority, now: datetime) -> bool:
    """Returns whether the enclave got new keys."""
    folder = enclave_folder(keystore, policy.enclave)
    above = [path for path in folder.parents if path.is_relative_to(keystore / "enclaves")]
    for path in (*reversed(above), folder):
        _make_folder(path)
    known = _known(folder, authority, now)
    identity = known or authority.issue(policy.enclave, now)
    if known is None:
        _write(folder / "key.pem", identity.key)
        _write(folder / "cert.pem", identity.certificate)
    rights = permissions(policy, identity.not_before, identity.not_after)
    _write(folder / PERMISSIONS, rights)
    _write(folder / "permissions.p7s", authority.sign(rights))
    for name in ("identity_ca.cert.pem", "permissions_ca.cert.pem"):
        _link(folder / name, Path(os.path.relpath(keystore / "public" / name, folder)))
    _link(folder / "governance.p7s", Path(os.path.relpath(keystore / "enclaves" / "governance.p7s", folder)))
    return known is None


def _known(folder: Path, authority: Authority, now: datetime) -> Identity | None:
    try:
        certificate, key = (folder / "cert.pem").read_bytes(), (folder / "key.pem").read_bytes()
    except FileNotFoundError:
        return None
    return authority.recognise(certificate, key, now)


def _make_folder(path: Path) -> None:
    path.mkdir(mode=FOLDER, parents=True, exist_ok=True)
    path.chmod(FOLDER)


def _write(path: Path, content: bytes) -> None:
    with replacing(path, FILE) as temporary:
        temporary.write_bytes(content)


def _link(path: Path, target: Path) -> None:
    if path.is_symlink() and path.readlink() == target:
        return
    temporary = path.with_name(f".{path.name}")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target)
    temporary.replace(path)
