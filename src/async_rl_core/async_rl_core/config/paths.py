"""Paths as people write them: `~` is a home folder."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

from async_rl_core.errors import ConfigError


def user_path(text: str | Path) -> Path:
    """Returns a path with `~` and `~user` expanded.

    Raises:
        ConfigError: there is no such user, or no home folder.
    """
    try:
        return Path(text).expanduser()
    except RuntimeError:
        user = Path(text).parts[0]
        problem = "HOME is not set" if user == "~" else f"there is no user '{user[1:]}' here"
        raise ConfigError(f"'{text}': {problem}; write the path out") from None


def _expanded(path: Path) -> Path:
    try:
        return user_path(path)
    except ConfigError as error:
        raise ValueError(str(error)) from None


UserPath = Annotated[Path, AfterValidator(_expanded)]
"""A path in a configuration."""

UserFile = Annotated[str, AfterValidator(lambda text: str(_expanded(Path(text))))]
"""A path in a configuration that others take as text."""
