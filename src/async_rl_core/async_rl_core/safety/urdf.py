"""A robot description (URDF) as XML: encoding, tree of links and joints, unique names."""

import codecs
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from async_rl_core.errors import SafetyError

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # begins with the next one
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
)
_DECLARED = re.compile(rb"""\s*<\?xml\b[^>]*?\bencoding\s*=\s*["']([A-Za-z][\w.-]*)["']""")
_ENCODING = re.compile(r"""(\s*<\?xml\b[^>]*?)\s+encoding\s*=\s*["'][^"']*["']""")
_DOCTYPE = re.compile(r"(?:\s|<\?.*?\?>|<!--.*?-->)*+<!DOCTYPE", re.DOTALL)
_RESERVED = "universe"
"""The name of Pinocchio's root frame."""


def decode(data: bytes) -> str:
    """Returns the text of an XML file in its own encoding: byte order mark, else declaration, else UTF-8.

    The XML declaration of the result names no encoding, because it is published as UTF-8.

    Raises:
        SafetyError: the encoding is unknown, or the bytes do not follow it.
    """
    encoding = next((name for mark, name in _BOMS if data.startswith(mark)), None)
    if encoding is None:
        declared = _DECLARED.match(data)
        encoding = declared[1].decode("ascii") if declared else "utf-8"
    try:
        text = data.decode(encoding)
    except (LookupError, UnicodeError) as error:
        raise SafetyError(f"not text in its encoding, {encoding} ({one_line(error)})") from None
    return _ENCODING.sub(r"\1", text.removeprefix("\ufeff"), count=1)


def parse(text: str) -> Element:
    """Returns the root element of a URDF whose links and joints form one tree.

    Raises:
        SafetyError: the text is not well-formed XML, has a document type, or is not a tree of named links and joints.
    """
    if _DOCTYPE.match(text.removeprefix("\ufeff")):
        raise SafetyError("has a document type (<!DOCTYPE>), which may expand without end; remove it")
    try:
        root = ElementTree.fromstring(text)
    except (ElementTree.ParseError, ValueError, RecursionError) as error:
        raise SafetyError(f"is not a URDF: not well-formed XML ({one_line(error)})") from None
    if root.tag != "robot":
        raise SafetyError(f"is not a URDF: its root element is <{root.tag}>, not <robot>")
    _require_tree(root)
    return root


def with_distinct_links(urdf: str) -> tuple[str, Mapping[str, str]]:
    """Renames each link that has the name of a joint. Returns the URDF and the new names.

    Pinocchio reads links and joints of the same name, but cannot reduce such a model.

    Raises:
        SafetyError: as `parse`.
    """
    root = parse(urdf)
    taken = {_RESERVED, *_names(root, "joint")}
    every = taken | set(_names(root, "link"))
    renamed: dict[str, str] = {}
    for link in _names(root, "link"):
        if link in taken:
            new = f"{link} (link)"
            while new in every:
                new += "'"
            renamed[link] = new
    if not renamed:
        return urdf, renamed
    for path, attribute in (("link", "name"), ("joint/parent", "link"), ("joint/child", "link")):
        for element in root.findall(path):
            name = element.get(attribute, "")
            element.set(attribute, renamed.get(name, name))
    return ElementTree.tostring(root, encoding="unicode"), renamed


def one_line(error: object) -> str:
    """Returns the text of an error as one line."""
    return " ".join(str(error).split())


def _require_tree(root: Element) -> None:
    for kind in ("link", "joint"):
        names = _names(root, kind)
        if "" in names:
            raise SafetyError(f"has a {kind} without a name")
        if twice := [name for name, count in Counter(names).items() if count > 1]:
            raise SafetyError(f"has two {kind}s named '{twice[0]}'")
    links = _names(root, "link")
    parents: dict[str, str] = {}
    for joint in root.findall("joint"):
        ends = [_end(joint, side) for side in ("parent", "child")]
        for side, link in zip(("parent", "child"), ends, strict=True):
            if link not in links:
                raise SafetyError(f"joint '{joint.get('name')}' has the {side} '{link}', which is not a link")
        parent, child = ends
        if child in parents:
            raise SafetyError(f"link '{child}' is the child of two joints")
        parents[child] = parent
    roots = [link for link in links if link not in parents]
    if len(roots) != 1:
        found = "no link" if not links else "a loop of joints" if not roots else f"the root links {roots}"
        raise SafetyError(f"is not one tree: it has {found}")
    if loose := _unreachable(links, parents):
        raise SafetyError(f"is not one tree: a loop of joints holds '{loose}'")


def _unreachable(links: Iterable[str], parents: Mapping[str, str]) -> str | None:
    """Returns a link from which the root cannot be reached."""
    reached: set[str] = set()
    for start in links:
        chain: list[str] = []
        link = start
        while link in parents and link not in reached:
            chain.append(link)
            if len(chain) > len(parents):
                return start
            link = parents[link]
        reached.update(chain)
    return None


def _end(joint: Element, side: str) -> str:
    element = joint.find(side)
    return "" if element is None else element.get("link", "")


def _names(root: Element, kind: str) -> list[str]:
    """Returns the names of the links or joints; a `<joint>` inside `<transmission>` is not a child of the root."""
    return [element.get("name", "") for element in root.findall(kind)]
