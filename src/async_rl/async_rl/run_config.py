"""`async_rl config`: confirms a run's `config.yaml` that a person edited."""

from async_rl_core.config.catalogue import CONFIG_FILE
from async_rl_core.config.load import accept
from async_rl_core.config.paths import user_path
from async_rl_core.errors import ConfigError
from async_rl_core.run_folder.run_folder import RunFolder

_USAGE = "async_rl config accept <run folder>"


def command(words: list[str]) -> int:
    """Runs `async_rl config` with these words after it. Raises `ConfigError`."""
    match words:
        case ["accept", folder]:
            path = user_path(folder)
            path = path if path.name == CONFIG_FILE else RunFolder(path).config
            if not path.is_file():
                raise ConfigError(f"{path}: no such file; name a run's folder, such as runs/<date>-<task>-<preset>")
            print(f"{path}: {'accepted, with a new checksum' if accept(path) else 'is as its run wrote it'}")
        case ["-h" | "--help", *_]:
            print(f"usage: {_USAGE}")
        case _:
            raise ConfigError(f"config what? {_USAGE}")
    return 0
