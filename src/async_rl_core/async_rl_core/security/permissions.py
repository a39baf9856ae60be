"""From a policy to the permissions document of DDS Security, as SROS2 writes it."""

from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from async_rl_core.errors import ConfigError
from async_rl_core.security.access_policy import AccessPolicy, Rights

DOMAINS = (0, 232)
"""A run may be in any domain of this computer; what separates two of them is ROS_DOMAIN_ID."""

DISCOVERY = Rights(("ros_discovery_info",), ("ros_discovery_info",))
"""The topic on which ROS 2 publishes the endpoints of each node."""

_SCHEMA = "http://www.omg.org/spec/DDS-SECURITY/20170901/omg_shared_ca_permissions.xsd"
_INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
_TIME = "%Y-%m-%dT%H:%M:%S"


def permissions(policy: AccessPolicy, not_before: datetime, not_after: datetime) -> bytes:
    """Returns the XML that grants an enclave its rights, from one time (UTC) to another."""
    root = Element("dds", {"xmlns:xsi": _INSTANCE, "xsi:noNamespaceSchemaLocation": _SCHEMA})
    grant = SubElement(SubElement(root, "permissions"), "grant", {"name": policy.enclave})
    SubElement(grant, "subject_name").text = f"CN={policy.enclave}"
    validity = SubElement(grant, "validity")
    SubElement(validity, "not_before").text = not_before.strftime(_TIME)
    SubElement(validity, "not_after").text = not_after.strftime(_TIME)
    _add(grant, "deny_rule", policy.denied)  # the first rule that names a topic decides
    _add(grant, "allow_rule", policy.allowed + DISCOVERY)
    SubElement(grant, "default").text = "DENY"
    ElementTree.indent(root)
    document: bytes = ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True)
    return document + b"\n"


def _add(grant: Element, name: str, rights: Rights) -> None:
    if rights == Rights():
        return
    rule = SubElement(grant, name)
    domains = SubElement(SubElement(rule, "domains"), "id_range")
    for limit, number in zip(("min", "max"), DOMAINS, strict=True):
        SubElement(domains, limit).text = str(number)
    for action, topics in (("publish", rights.publish), ("subscribe", rights.subscribe)):
        if topics:
            listed = SubElement(SubElement(rule, action), "topics")
            for topic in topics:
                SubElement(listed, "topic").text = topic


def expiry(path: Path) -> datetime:
    """Returns when a permissions document and its certificate expire. Raises `ConfigError`."""
    try:
        text = ElementTree.parse(path).getroot().findtext("permissions/grant/validity/not_after", "")
        return datetime.strptime(text, _TIME).replace(tzinfo=UTC)
    except (OSError, ElementTree.ParseError, LookupError, ValueError) as error:
        raise ConfigError(f"{path}: not a permissions document ({error}); make the keys again") from None
