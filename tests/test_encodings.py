"""Text files are read and written as UTF-8 in every locale."""

import ast
from collections.abc import Iterator

OF_PATH = ("read_text", "write_text")


def unnamed(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Returns the lines of calls that open text in the locale's encoding."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or any(word.arg in ("encoding", None) for word in node.keywords):
            continue
        method = node.func.attr if isinstance(node.func, ast.Attribute) else None
        function = node.func.id if isinstance(node.func, ast.Name) else None
        if method in OF_PATH and len(node.args) < (1 if method == "read_text" else 2):
            yield node.lineno, method
        elif function == "open" or method in ("open", "fdopen"):
            mode = _mode(node, 0 if method == "open" and not _is_module(node, "os") else 1)
            if mode is not None and "b" not in mode and not (_is_module(node, "os") and method == "open"):
                yield node.lineno, f"{method or function}({mode!r})"


def _is_module(node: ast.Call, name: str) -> bool:
    return isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name) and node.func.value.id == name


def _mode(node: ast.Call, position: int) -> str | None:
    """Returns the mode of the file that a call opens; None if it opens none."""
    given = [word.value for word in node.keywords if word.arg == "mode"] or list(node.args[position : position + 1])
    if not given:
        return "r" if isinstance(node.func, ast.Name) or not node.args else None
    value = given[0].value if isinstance(given[0], ast.Constant) else None
    return value if isinstance(value, str) and set(value) <= set("rwaxbt+") else None


def test_text_files_name_their_encoding(sources):
    ours = [source for source in sources if source.package != "tests" and "test" not in source.path.parent.parts]
    assert not [f"{source}:{line}: {call}" for source in ours for line, call in unnamed(source.tree)]


def test_unnamed_finds_what_the_locale_decides():
    found = "p.read_text()\np.write_text('a')\nopen('a')\nopen('a', 'w')\np.open()\np.open('w')\nos.fdopen(3, 'w')"
    assert [line for line, _ in unnamed(ast.parse(found))] == list(range(1, 8))
    named = (
        "p.read_text(encoding='utf-8')\nopen('a', 'rb')\nos.open('a', 0)\np.open('rb')\n"
        "p.write_text('a', 'utf-8')\nself._open(create)"
    )
    assert not list(unnamed(ast.parse(named)))
