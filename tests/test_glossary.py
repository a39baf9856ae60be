"""The glossary's classes exist."""

import ast
import re

import pytest

CLASS = re.compile(r"\| `([A-Z]\w+)` \|$")


@pytest.fixture(scope="module")
def terms(root) -> list[tuple[str, str]]:
    """Returns term and row of each entry of the glossary."""
    lines = (root / "docs" / "glossary.md").read_text(encoding="utf-8").splitlines()
    rows = [line for line in lines if line.startswith("| ") and not line.startswith("| Term")]
    return [(row.split("|")[1].strip(), row) for row in rows]


def test_glossary_term_is_defined_once_in_one_sentence(terms):
    names = [name for name, _ in terms]
    assert len(names) == len(set(names)) > 50
    assert [name for name, row in terms if not row.split("|")[2].strip().endswith(".")] == []


def test_glossary_class_is_defined(terms, modules):
    defined = {node.name for source in modules for node in ast.walk(source.tree) if isinstance(node, ast.ClassDef)}
    named = [match[1] for _, row in terms if (match := CLASS.search(row))]
    assert len(named) > 30
    assert [name for name in named if name not in defined] == []
