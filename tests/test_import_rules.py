"""Import rules, and rules for every source file."""

import ast
import re
from collections import defaultdict
from pathlib import Path

from async_rl_core.run_folder.run_folder import RunFolder
from testing.code_in_data import runs_data

LAYERS = (
    ("errors", "topics", "plugins", "atomic_file", "ros_environment", "compiled"),
    ("config",),
    ("spec",),
    ("run_folder",),
    ("realtime",),
    ("safety", "robots", "tasks", "sim", "camera", "security"),
    ("replay", "transport", "policies", "algorithms"),
    ("agent", "learning"),
    ("monitoring", "experiments", "gym"),
    ("bringup",),
    ("evaluation",),
)
"""Folders and modules of core. Each imports from its own layer and from those before it."""
UPWARDS = {("policies", "learning")}
"""An evaluated policy is read from a checkpoint of the learner."""

ROS = re.compile(
    r"(rclpy|rclcpp|launch|launch_ros|rosidl_\w+|cv_bridge|tf_transformations|std_srvs|\w+_msgs|\w+_interfaces)$"
)
CORE, ROS_SIDE, MESSAGES = "async_rl_core", "async_rl_ros", "async_rl_interfaces"
SAFETY_MAY_IMPORT = (
    "async_rl_core.safety",
    "async_rl_core.config.schema",
    "async_rl_core.errors",
    "async_rl_core.ros_environment",
)


def own(name: str) -> bool:
    return name in (CORE, ROS_SIDE, MESSAGES, "async_rl") or (name.endswith("_node"))


def test_core_imports_no_ros(modules):
    found = [
        f"{source}: {name}"
        for source in modules
        if source.package == CORE
        for name in source.top_level
        if ROS.match(name) or (own(name) and name != CORE)
    ]
    assert not found


def test_core_imports_nothing_from_a_later_layer(modules):
    level = {name: number for number, names in enumerate(LAYERS) for name in names}
    found = set()
    for source in modules:
        if source.package == CORE and source.module != f"{CORE}.__init__":
            own_part = source.module.split(".")[1]
            for name in source.imports:
                part = name.split(".")[1] if name.startswith(f"{CORE}.") else own_part
                if level[part] > level[own_part]:
                    found.add((own_part, part))
    assert found == UPWARDS


def test_torch_is_imported_only_where_networks_are(modules):
    allowed = tuple(f"{CORE}.{folder}." for folder in ("algorithms", "learning", "policies"))
    found = [str(source) for source in modules if "torch" in source.top_level and not source.module.startswith(allowed)]
    assert not found


def test_safety_imports_little(modules):
    """The standard library, NumPy, Pinocchio, the configuration's schema, the errors and ROS 2's variables."""
    found = []
    for source in modules:
        if not source.module.startswith("async_rl_core.safety"):
            continue
        found += [f"{source}: {name}" for name in source.top_level - {CORE, "numpy", "pinocchio"}]
        found += [
            f"{source}: {name}"
            for name in source.imports
            if name.startswith(f"{CORE}.") and not any(_is_within(name, allowed) for allowed in SAFETY_MAY_IMPORT)
        ]
    assert not found


def _is_within(name: str, module: str) -> bool:
    """Returns whether the name is in the module, or is a package on the path to it."""
    return name == module or name.startswith(f"{module}.") or module.startswith(f"{name}.")


def test_nodes_never_import_each_other(modules):
    found = [
        f"{source}: {name}"
        for source in modules
        if source.package != CORE
        for name in source.top_level
        if own(name) and name not in (source.package, CORE, MESSAGES, ROS_SIDE)
    ]
    assert not found


def test_topics_and_services_are_relative_to_the_namespace(modules):
    """Each arm has a namespace of its own; only diagnostics are common to all."""
    creating = {"create_publisher", "create_subscription", "create_service", "create_client"}
    found = [
        f"{source}:{call.lineno}: {argument.value}"
        for source in modules
        for call in ast.walk(source.tree)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in creating
        for argument in call.args
        if isinstance(argument, ast.Constant)
        and str(argument.value).startswith("/")
        and argument.value != "/diagnostics"
    ]
    assert not found


def test_sources_run_no_data_as_code(sources):
    assert not [f"{source}:{line}: {text}" for source in sources for line, text in runs_data(source.tree)]


def test_file_has_at_most_350_lines(sources):
    found = {str(source): lines for source in sources if (lines := len(source.path.read_text().splitlines())) > 350}
    assert not found


def test_files_of_a_run_are_named_by_run_folder_alone(modules):
    folder = RunFolder(Path("run"))
    paths = [getattr(folder, name) for name, value in vars(RunFolder).items() if isinstance(value, property)]
    names = {path.name for path in paths if path.suffix}
    allowed = {f"{CORE}.run_folder.run_folder", f"{CORE}.config.catalogue"}
    found = [
        f"{source}:{node.lineno}: {node.value}"
        for source in modules
        if source.module not in allowed
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Constant) and node.value in names
    ]
    assert not found


def test_public_class_name_is_defined_once(modules):
    """Two modules never define a public class of the same name."""
    places: dict[str, list[str]] = defaultdict(list)
    for source in modules:
        for node in ast.walk(source.tree):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(str(source))
    assert {name: found for name, found in places.items() if len(found) > 1} == {}
