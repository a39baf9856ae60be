"""Whom the authority vouches for, and since when."""

from datetime import UTC, datetime, timedelta

import pytest

from async_rl_core.security.authority import VALIDITY, Authority

NOW = datetime(2026, 5, 4, tzinfo=UTC)


def test_authority_recognises_only_its_own_identities() -> None:
    authority, stranger = Authority.create(NOW), Authority.create(NOW)
    identity, other = authority.issue("/async_rl/arm", NOW), stranger.issue("/async_rl/arm", NOW)
    assert authority.recognise(identity.certificate, identity.key, NOW) == identity
    assert authority.recognise(other.certificate, other.key, NOW) is None
    assert authority.recognise(identity.certificate, other.key, NOW) is None
    for damaged in (b"", identity.key, identity.certificate[:-40], b"\xff" * 100):
        assert authority.recognise(damaged, identity.key, NOW) is None
        assert authority.recognise(identity.certificate, damaged[::-1], NOW) is None


def test_authority_expired_identity_is_not_recognised() -> None:
    authority = Authority.create(NOW)
    identity = authority.issue("/async_rl/arm", NOW)
    assert identity.not_before < NOW and identity.not_after == NOW + VALIDITY
    assert authority.recognise(identity.certificate, identity.key, NOW + VALIDITY - timedelta(seconds=1))
    assert authority.recognise(identity.certificate, identity.key, NOW + VALIDITY) is None


def test_authority_with_a_foreign_or_missing_key_is_refused() -> None:
    authority, other = Authority.create(NOW), Authority.create(NOW)
    again = Authority(authority.certificate, authority.key)
    assert again.recognise(*(lambda i: (i.certificate, i.key))(authority.issue("/e", NOW)), NOW)
    for certificate, key in ((authority.certificate, other.key), (b"", authority.key), (authority.certificate, b"")):
        with pytest.raises(ValueError):  # noqa: PT011
            Authority(certificate, key)
