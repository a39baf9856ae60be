"""Tells whether a launch file of this suite was named on the command line, or is included by another."""

from collections.abc import Sequence
from pathlib import Path

PACKAGE = "async_rl"


def is_named(launch_file: str, words: Sequence[str]) -> bool:
    """Returns whether a command line of `ros2 launch` names this very file.

    A file is named by its path, or by its package and its name. Another file of the same name is not this one, such as
    a person's own that includes it.

    Args:
        launch_file: the path of the file.
        words: the command line.
    """
    file = Path(launch_file).resolve()
    for before, word in zip(["", *words], words, strict=False):
        if Path(word).name != file.name:
            continue
        if Path(word).exists() and before != PACKAGE:
            if Path(word).resolve() == file:
                return True
        elif before == PACKAGE and word == file.name:
            return True
    return False
