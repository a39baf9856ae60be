"""Presets as text: a summary in one line, or a YAML file with every value."""

from contextlib import suppress

import yaml

from async_rl_core.config.catalogue import find_file, robots
from async_rl_core.config.document import read_text
from async_rl_core.config.load import resolve
from async_rl_core.config.schema import Config
from async_rl_core.config.sources import read_preset
from async_rl_core.errors import ConfigError

_OF_A_RUN = ("preset", "run_dir")
_OF_THE_ROBOT = ("task", "parameters", "robot")


def preset_summary(name: str) -> str:
    """Returns the first line of a preset's comment."""
    lines = read_text(find_file("preset", name)).splitlines()
    return next((line.lstrip("# ") for line in lines if line.startswith("#")), "")


def preset_text(name: str, robot: str | None = None) -> str:
    """Returns a preset with every value, as YAML; with `robot` that robot, the task and its parameters too.

    Without `robot`, what the robot decides is left out, so that the file serves for every robot.

    Raises:
        ConfigError: there is no such preset or robot.
    """
    path, said = find_file("preset", name), read_preset(name).data
    values = _resolved(name, robot).model_dump(mode="json")
    left_out = {*_OF_A_RUN, *(() if robot is not None else _OF_THE_ROBOT)}
    values = {key: value for key, value in values.items() if key not in left_out or key in said}
    if robot is None:
        values |= {key: said[key] for key in _OF_THE_ROBOT if key in said}
    values.pop("preset", None)
    whose = "" if robot is None else f" for robot {robot}"
    header = (
        f"# Preset {path.stem}{whose}, every value. Save it as mine.yaml, delete what you leave as it is, then\n"
        '# make reacher ARGS="preset:=mine.yaml", or async_rl launch reacher preset:=mine.yaml\n'
    )
    return header + yaml.safe_dump(values, sort_keys=False, default_flow_style=None, width=120, allow_unicode=True)


def _resolved(preset: str, robot: str | None) -> Config:
    """Returns a preset with a robot; without one, with any that it fits."""
    try:
        return resolve(preset, {}, robot)
    except ConfigError:
        for other in robots() if robot is None else []:
            with suppress(ConfigError):
                return resolve(preset, {}, other)
        raise
