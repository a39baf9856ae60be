"""Every mutant replaces something that exists: a protection that was renamed must not go untested unnoticed."""

import ast
import inspect
from collections.abc import Iterator
from importlib import import_module

import pytest

from faults.mutants import MUTATIONS


def replaced(tree: ast.AST) -> Iterator[ast.Attribute]:
    """The attributes that are assigned to, such as `Guard.tick`."""
    for node in ast.walk(tree):
        for target in node.targets if isinstance(node, ast.Assign) else ():
            if isinstance(target, ast.Attribute) and isinstance(target.ctx, ast.Store):
                yield target


def imported(tree: ast.AST) -> dict[str, object]:
    """What the function's own imports bind."""
    names: dict[str, object] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            module = import_module(node.module or "")
            for alias in node.names:
                found = getattr(module, alias.name, None) or import_module(f"{node.module}.{alias.name}")
                names[alias.asname or alias.name] = found
    return names


@pytest.mark.parametrize("name", MUTATIONS)
def test_mutant_replaces_attributes_that_exist(name: str) -> None:
    tree = ast.parse(inspect.getsource(MUTATIONS[name]))
    names = imported(tree)
    for target in replaced(tree):
        owner, path = target.value, [target.attr]
        while isinstance(owner, ast.Attribute):
            path.insert(0, owner.attr)
            owner = owner.value
        if not isinstance(owner, ast.Name) or owner.id not in names:
            continue  # an object of the mutant's own
        found = names[owner.id]
        for part in path:
            assert hasattr(found, part), f"{name}: {ast.unparse(target)}"
            found = getattr(found, part)
