"""Search for calls and imports that would run data as code."""

import ast

MODULES = frozenset({"pickle", "cPickle", "_pickle", "shelve", "marshal", "dill", "cloudpickle", "joblib"})
_LOADERS = {"torch": {"load", "save"}, "yaml": {"load", "unsafe_load", "full_load"}}
"""Functions of modules that could be imported and called by name."""
_CALLS = frozenset(
    {"eval", "exec", "__import__", "torch.load", "torch.save", "yaml.load", "yaml.unsafe_load", "yaml.full_load"}
)


def runs_data(tree: ast.AST) -> list[tuple[int, str]]:
    """Returns line and text of everything in a syntax tree that would run data as code."""
    return [(node.lineno, ast.unparse(node)) for node in ast.walk(tree) if _imports(node) or _calls(node)]  # type: ignore[attr-defined]


def _imports(node: ast.AST) -> bool:
    if isinstance(node, ast.Import):
        return any(alias.name.split(".")[0] in MODULES for alias in node.names)
    if not isinstance(node, ast.ImportFrom) or node.module is None:
        return False
    names = {alias.name for alias in node.names}
    return node.module.split(".")[0] in MODULES or bool(names & _LOADERS.get(node.module, set()))


def _calls(node: ast.AST) -> bool:
    """Returns whether a node calls eval, exec, __import__, torch.load, an unsafe YAML loader, or allow_pickle."""
    if not isinstance(node, ast.Call):
        return False
    if ast.unparse(node.func) in _CALLS:
        return True
    return any(keyword.arg == "allow_pickle" and ast.unparse(keyword.value) != "False" for keyword in node.keywords)
