"""Attributes that the fault campaign replaces exist, so that renaming one does not disable its test."""

import ast
import inspect
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path

import pytest

from faults.mutants import MUTATIONS

ROWS = sorted(path.stem for path in (Path(__file__).resolve().parent.parent / "faults" / "rows").glob("[a-z]*.py"))


def replaced(tree: ast.AST) -> Iterator[ast.Attribute]:
    """Yields the attributes that are assigned to, such as `Guard.tick`."""
    for node in ast.walk(tree):
        for target in node.targets if isinstance(node, ast.Assign) else ():
            if isinstance(target, ast.Attribute):
                yield target


def imported(tree: ast.AST) -> dict[str, object]:
    """Returns what the imports in a function bind."""
    names: dict[str, object] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            module = import_module(node.module or "")
            for alias in node.names:
                found = getattr(module, alias.name, None) or import_module(f"{node.module}.{alias.name}")
                names[alias.asname or alias.name] = found
    return names


def check(tree: ast.AST, names: Mapping[str, object]) -> None:
    """Asserts that each replaced attribute of an imported object exists."""
    for target in replaced(tree):
        owner, path = target.value, [target.attr]
        while isinstance(owner, ast.Attribute):
            path.insert(0, owner.attr)
            owner = owner.value
        if not isinstance(owner, ast.Name) or owner.id not in names:
            continue  # an object of the function's own
        found = names[owner.id]
        for part in path:
            assert hasattr(found, part), ast.unparse(target)
            found = getattr(found, part)


@pytest.mark.parametrize("name", MUTATIONS)
def test_mutant_replaces_attributes_that_exist(name: str) -> None:
    tree = ast.parse(inspect.getsource(MUTATIONS[name]))
    check(tree, imported(tree))


@pytest.mark.parametrize("row", ROWS)
def test_row_replaces_attributes_that_exist(row: str) -> None:
    module = import_module(f"faults.rows.{row}")
    names = {name: value for name, value in vars(module).items() if inspect.ismodule(value) or inspect.isclass(value)}
    check(ast.parse(inspect.getsource(module)), names)
