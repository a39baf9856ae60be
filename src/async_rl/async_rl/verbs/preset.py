"""`async_rl preset`: lists the presets, and prints one with every value."""

import argparse

from async_rl.completion import complete
from async_rl_core.config.catalogue import presets, robots
from async_rl_core.errors import ConfigError

SUMMARY = "list the presets; print one with every value, as a file to save and change"
USAGE = """preset list
preset show <name> [robot:=<name>]"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what to do and with which preset."""
    complete(parser.add_argument("what", nargs="?", help="list or show"), lambda: ["list", "show"])
    complete(parser.add_argument("name", nargs="?", help="of a preset, or the path of a YAML file"), presets)
    words = parser.add_argument("words", nargs="*", metavar="robot:=<name>", help="print the values of this robot too")
    complete(words, lambda: [f"robot:={name}" for name in robots()])


def run(options: argparse.Namespace) -> int:
    """Prints the list or the preset."""
    from async_rl_core.bringup.arguments import AS_PRESET, parse, table
    from async_rl_core.config.preset import preset_summary, preset_text

    if options.what == "list" and options.name is None:
        for name in presets():
            print(f"{name:32}  {preset_summary(name)}")
        return 0
    if options.what != "show" or options.name is None or ":=" in options.name:
        raise ConfigError("preset what? async_rl preset list, or async_rl preset show <name> [robot:=<name>]")
    values = parse(options.words, [argument for argument in table() if argument.name == "robot"])
    robot = values.get("robot", AS_PRESET)
    print(preset_text(options.name, None if robot == AS_PRESET else robot), end="")
    return 0
