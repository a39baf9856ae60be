"""The presets and robots that come with the suite, by name, and the folder they are in."""

import os
from pathlib import Path

from async_rl_core.config.paths import user_path
from async_rl_core.errors import ConfigError, did_you_mean
from async_rl_core.ros_environment import ament_prefixes

RENAMED_PRESETS = {
    "paper_baseline": "yuan2022_baseline",
    "paper_baseline_code": "yuan2022_baseline_code",
    "paper_high_resolution": "yuan2022_high_resolution",
    "paper_large_minibatch": "yuan2022_large_minibatch",
    "paper003_async_baseline": "parsaee2023_async_baseline",
    "paper003_async_high_resolution": "parsaee2023_async_high_resolution",
    "paper003_sync_baseline": "parsaee2023_sync_baseline",
    "paper003_sync_high_resolution": "parsaee2023_sync_high_resolution",
}
"""The new name of each preset that was renamed."""

CONFIG_FILE = "config.yaml"
"""The resolved configuration of a run, in its folder."""

_FOLDER_VARIABLE = "ASYNC_RL_CONFIG"


def config_folder() -> Path:
    """Returns the folder of base.yaml, presets/ and robots/.

    It is the one that ASYNC_RL_CONFIG names, else the installed one, else that of the source tree.

    Raises:
        ConfigError: there is no such folder.
    """
    if explicit := os.environ.get(_FOLDER_VARIABLE):
        folder = user_path(explicit)
        if not (folder / "base.yaml").is_file():
            raise ConfigError(f"{_FOLDER_VARIABLE}={explicit} has no base.yaml; unset it, or name such a folder")
        return folder
    candidates = [prefix / "share" / "async_rl" / "config" for prefix in ament_prefixes(os.environ)]
    candidates.append(Path(__file__).resolve().parents[4] / "config")
    for folder in candidates:
        if (folder / "base.yaml").is_file():
            return folder
    raise ConfigError(f"config/base.yaml not found; source install/setup.bash, or set {_FOLDER_VARIABLE} to its folder")


def presets() -> list[str]:
    """Returns the sorted names of the presets that come with the suite."""
    return _names("preset")


def robots() -> list[str]:
    """Returns the sorted names of the robots that come with the suite."""
    return _names("robot")


def is_path(name: str) -> bool:
    """Returns whether a preset or robot is given as a path, not by its name."""
    return name.endswith((".yaml", ".yml"))


def find_file(kind: str, name: str) -> Path:
    """Returns the file of a preset or robot (`kind`), given by its name or path.

    Raises:
        ConfigError: there is none.
    """
    if is_path(name):
        path = user_path(name)
        if path.is_dir():
            raise ConfigError(f"{kind} '{name}' is a folder; name a YAML file")
        if not path.is_file():
            raise ConfigError(f"{kind} '{name}': no such file")
        return path
    known = _names(kind)
    if name not in known:
        allowed = f"allowed: {', '.join(known)}, or the path of a .yaml file"
        if kind == "preset" and name in RENAMED_PRESETS:
            raise ConfigError(f"preset '{name}' was renamed; use '{RENAMED_PRESETS[name]}'")
        if user_path(name).is_dir():
            raise ConfigError(f"{kind} '{name}' is a folder; {_file_of_run(kind, name) or allowed}")
        raise ConfigError(f"unknown {kind} '{name}'{did_you_mean(name, known)}; {allowed}")
    return config_folder() / f"{kind}s" / f"{name}.yaml"


def _names(kind: str) -> list[str]:
    files = (config_folder() / f"{kind}s").glob("*.yaml")
    return sorted(path.stem for path in files if path.is_file())  # an update may leave links to removed files


def _file_of_run(kind: str, name: str) -> str:
    """Returns advice for the folder of a run; empty where it is another folder."""
    path = user_path(name) / CONFIG_FILE
    if not path.is_file():
        return ""
    if kind == "preset":
        return f"preset:={path} starts a new run with the settings of that run, resume:={name} resumes that run"
    return f"{kind}:={path} takes its robot"
