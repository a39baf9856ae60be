"""The rights of each node: SROS2's policy files, read as the DDS topics that they stand for."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from xml.etree import ElementTree

from async_rl_core.errors import ConfigError

VERSION = "0.2.0"
_INCLUDE = "{http://www.w3.org/2001/XInclude}include"
_POINTER = "xpointer(/profile/*)"


@dataclass(frozen=True)
class Rights:
    """DDS topics to publish and to subscribe to; `*` stands for any characters."""

    publish: tuple[str, ...] = ()
    subscribe: tuple[str, ...] = ()

    def __add__(self, other: "Rights") -> "Rights":
        return Rights(self.publish + other.publish, self.subscribe + other.subscribe)


@dataclass(frozen=True)
class AccessPolicy:
    """The rights of the nodes of one enclave. A denial overrides a permission; everything else is denied too."""

    enclave: str
    denied: Rights
    allowed: Rights

    def may_publish(self, topic: str) -> bool:
        """Returns whether they may publish a DDS topic, such as `rt/joint_states`."""
        return not _named(topic, self.denied.publish) and _named(topic, self.allowed.publish)

    def may_subscribe(self, topic: str) -> bool:
        """Returns whether they may subscribe to a DDS topic."""
        return not _named(topic, self.denied.subscribe) and _named(topic, self.allowed.subscribe)


def _named(topic: str, expressions: Iterable[str]) -> bool:
    return any(fnmatchcase(topic, expression) for expression in expressions)


def topic(name: str) -> str:
    """Returns the DDS topic of a ROS topic, given with its namespace."""
    return f"rt{name}"


def request(name: str) -> str:
    """Returns the DDS topic on which a service, given with its namespace, is asked."""
    return f"rq{name}Request"


def reply(name: str) -> str:
    """Returns the DDS topic on which it answers."""
    return f"rr{name}Reply"


def read_policies(folder: Path) -> list[AccessPolicy]:
    """Returns the policies of all enclaves: those of every `*.policy.xml` in a folder, sorted by enclave.

    Raises `ConfigError` if a file is not an SROS2 policy, or two files have the same enclave.
    """
    policies: dict[str, AccessPolicy] = {}
    for path in sorted(folder.glob("*.policy.xml")):
        for policy in _read(path):
            if policy.enclave in policies:
                raise ConfigError(f"{path}: enclave {policy.enclave} is in another file too; keep one of them")
            policies[policy.enclave] = policy
    if not policies:
        raise ConfigError(f"{folder} has no *.policy.xml; set ASYNC_RL_CONFIG to a folder that has security/ with some")
    return [policies[enclave] for enclave in sorted(policies)]


def _read(path: Path) -> Iterator[AccessPolicy]:
    root = _parsed(path)
    if root.tag != "policy" or root.get("version") != VERSION:
        raise ConfigError(f'{path}: not a policy of SROS2; it begins <policy version="{VERSION}">')
    for enclave in root.iterfind("enclaves/enclave"):
        rights = {"DENY": Rights(), "ALLOW": Rights()}
        for profile in enclave.iterfind("profiles/profile"):
            for qualifier, right in _rights(profile, path):
                rights[qualifier] += right
        name = enclave.get("path", "")
        if not name.startswith("/") or rights["ALLOW"] == Rights():
            raise ConfigError(f"{path}: enclave '{name}' has no path from / on, or no rights; give it both")
        yield AccessPolicy(name, rights["DENY"], rights["ALLOW"])


def _parsed(path: Path) -> ElementTree.Element:
    try:
        return ElementTree.parse(path).getroot()
    except (OSError, ElementTree.ParseError, LookupError, ValueError) as error:
        raise ConfigError(f"{path}: not readable as XML ({error}); correct it") from None


def _rights(profile: ElementTree.Element, path: Path) -> Iterator[tuple[str, Rights]]:
    """Returns the rights that a profile denies and allows."""
    namespace, node = profile.get("ns", "/"), profile.get("node", "")
    for element in _included(profile, path):
        names = [_absolute(name.text or "", namespace, node) for name in element]
        for action, qualifier in element.attrib.items():
            if qualifier not in ("ALLOW", "DENY"):
                raise ConfigError(f"{path}: {element.tag}/{action} is '{qualifier}'; allowed: ALLOW, DENY")
            yield qualifier, _meaning(f"{element.tag}/{action}", names, path)


def _included(profile: ElementTree.Element, path: Path) -> Iterator[ElementTree.Element]:
    """Returns a profile's elements, those of the profiles that it includes in place."""
    for element in profile:
        if element.tag != _INCLUDE:
            yield element
        elif element.get("xpointer") == _POINTER:
            yield from _parsed(path.parent / element.get("href", ""))
        else:
            raise ConfigError(f'{path}: an include without xpointer="{_POINTER}"; others are not understood')


def _absolute(name: str, namespace: str, node: str) -> str:
    prefix = namespace.rstrip("/") + "/"
    if name.startswith("/"):
        return name
    return f"{prefix}{node}{name[1:]}" if name.startswith("~") else f"{prefix}{name}"


def _meaning(kind: str, names: list[str], path: Path) -> Rights:
    match kind:
        case "topics/publish":
            return Rights(publish=tuple(map(topic, names)))
        case "topics/subscribe":
            return Rights(subscribe=tuple(map(topic, names)))
        case "services/request":
            return Rights(tuple(map(request, names)), tuple(map(reply, names)))
        case "services/reply":
            return Rights(tuple(map(reply, names)), tuple(map(request, names)))
    raise ConfigError(
        f"{path}: {kind} is not understood; allowed: topics/publish, topics/subscribe, services/request, services/reply"
    )
