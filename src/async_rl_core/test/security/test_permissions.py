"""The permissions document, element by element as DDS Security wants it."""

from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

import pytest

from async_rl_core.errors import ConfigError
from async_rl_core.security.access_policy import AccessPolicy, Rights
from async_rl_core.security.permissions import expiry, permissions

BEGIN, END = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), datetime(2036, 1, 2, 3, 4, 5, tzinfo=UTC)
POLICY = AccessPolicy("/async_rl/arm", Rights(publish=("rt/tf",)), Rights(("rt/*",), ("rt/a&b",)))


def test_the_document() -> None:
    grant = ElementTree.fromstring(permissions(POLICY, BEGIN, END)).find("permissions/grant")
    assert grant is not None
    order = ["subject_name", "validity", "deny_rule", "allow_rule", "default"]
    assert [element.tag for element in grant] == order
    assert grant.findtext("subject_name") == "CN=/async_rl/arm"
    assert grant.findtext("validity/not_before") == "2026-01-02T03:04:05"
    assert grant.findtext("default") == "DENY"
    assert [rule.tag for rule in grant.iterfind("deny_rule/*")] == ["domains", "publish"]
    assert [rule.tag for rule in grant.iterfind("allow_rule/*")] == ["domains", "publish", "subscribe"]
    assert [t.text for t in grant.iterfind("allow_rule/publish/topics/topic")] == ["rt/*", "ros_discovery_info"]
    assert [t.text for t in grant.iterfind("allow_rule/subscribe/topics/topic")] == ["rt/a&b", "ros_discovery_info"]


def test_permissions_without_a_denial_has_no_deny_rule() -> None:
    document = ElementTree.fromstring(permissions(AccessPolicy("/e", Rights(), Rights(("rt/a",))), BEGIN, END))
    assert document.find("permissions/grant/deny_rule") is None


def test_expiry_is_read_from_the_document(tmp_path: Path) -> None:
    path = tmp_path / "permissions.xml"
    path.write_bytes(permissions(POLICY, BEGIN, END))
    assert expiry(path) == END
    for damaged in (b"", b"<dds/>", path.read_bytes()[:-20], b"\xff\xfe\x00"):
        path.write_bytes(damaged)
        with pytest.raises(ConfigError, match="not a permissions document"):
            expiry(path)
