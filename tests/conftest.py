"""Source files of the workspace, for tests that read them."""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
STANDARD = sys.stdlib_module_names | {"__future__"}


@dataclass(frozen=True)
class Source:
    """One Python file."""

    path: Path
    package: str  # the ROS package, or the folder at the root that it lies in
    module: str  # dotted name, or "" for a test or a script

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.path.read_text(encoding="utf-8"), str(self.path))

    @cached_property
    def imports(self) -> set[str]:
        """Dotted names of all imported modules; `from a import b` counts as a and a.b."""
        names: set[str] = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                names.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
                names.add(node.module)
                names.update(f"{node.module}.{alias.name}" for alias in node.names)
        return names

    @property
    def roots(self) -> set[str]:
        """First parts of the imported names."""
        return {name.split(".")[0] for name in self.imports}

    @property
    def top_level(self) -> set[str]:
        """First parts of the imported names, without the standard library."""
        return self.roots - STANDARD

    def __str__(self) -> str:
        return str(self.path.relative_to(ROOT))


def _sources() -> Iterator[Source]:
    for package in sorted((ROOT / "src").iterdir()):
        for path in sorted(package.rglob("*.py")):
            relative = path.relative_to(package)
            if relative.parts[0] in (package.name, "test", "setup.py"):
                module = ".".join(relative.with_suffix("").parts) if relative.parts[0] == package.name else ""
                yield Source(path, package.name, module)
    for folder in ("launch", "tests", "tools", "benchmarks", "faults", "testing", "examples"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield Source(path, folder, "")


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def sources() -> list[Source]:
    """Returns every Python file of the workspace."""
    return list(_sources())


@pytest.fixture(scope="session")
def modules(sources: list[Source]) -> list[Source]:
    """Returns the installed files: no tests, no scripts."""
    return [source for source in sources if source.module]
