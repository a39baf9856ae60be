"""`async_rl preset`: lists the presets, and prints one as a file to save and change."""

from async_rl_core.bringup.arguments import AS_PRESET, parse, table
from async_rl_core.config.catalogue import presets
from async_rl_core.config.preset import preset_summary, preset_text
from async_rl_core.errors import ConfigError

_USAGE = "async_rl preset list, or async_rl preset show <name> [robot:=<name>]"


def command(words: list[str]) -> int:
    """Runs `async_rl preset` with these words after it. Raises `ConfigError`."""
    match words:
        case ["list"]:
            for name in presets():
                print(f"{name:32}  {preset_summary(name)}")
        case ["show", name, *rest] if ":=" not in name:
            values = parse(rest, [argument for argument in table() if argument.name == "robot"])
            robot = values.get("robot", AS_PRESET)
            print(preset_text(name, None if robot == AS_PRESET else robot), end="")
        case ["-h" | "--help", *_]:
            print(f"usage: {_USAGE}")
        case _:
            raise ConfigError(f"preset what? {_USAGE}")
    return 0
