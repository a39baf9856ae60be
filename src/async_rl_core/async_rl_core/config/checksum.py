"""The checksum of a run's `config.yaml`, in its second line: a damaged limit must not become another one unnoticed."""

import hashlib
import re
from enum import Enum
from pathlib import Path

from async_rl_core.atomic_file import replacing
from async_rl_core.errors import ConfigError

HEADER = (
    "# The resolved configuration of this run, with a checksum; run it again with preset:=<this file> run_dir:=<new>\n"
)
_PREFIX = "# sha256 of the lines below: "
_LINE = re.compile(rf"{_PREFIX}([0-9a-f]{{64}})\n")
_TRACES = "sha256", "with a checksum"
"""Each of the two lines shows that there is a checksum, so that damage to one does not hide it."""
_HEAD = 300  # characters that hold both


class Checksum(Enum):
    """The verdict on a file's checksum."""

    RIGHT = "right"
    WRONG = "wrong"
    MISSING = "missing"


def sealed(body: str) -> str:
    """Returns the text of a configuration with its checksum before it."""
    return f"{HEADER}{_PREFIX}{_digest(body)}\n{body}"


def write_sealed(path: Path, body: str) -> None:
    """Writes a configuration with its checksum, durably. Raises `OSError`; the old file stays."""
    with replacing(path, sync=True) as temporary:
        temporary.write_text(sealed(body), encoding="utf-8")


def verdict(text: str) -> Checksum:
    """Returns the verdict on the checksum of a text; a run of an older version has none."""
    found = _LINE.search(text, 0, _HEAD + len(_PREFIX))
    if found is None:
        return Checksum.WRONG if any(trace in text[:_HEAD] for trace in _TRACES) else Checksum.MISSING
    return Checksum.RIGHT if found[1] == _digest(text[found.end() :]) else Checksum.WRONG


def require_right(text: str, path: Path) -> None:
    """Raises `ConfigError` where a run's `config.yaml` is not as it was written."""
    if verdict(text) is Checksum.WRONG:
        raise ConfigError(
            f"{path}: its checksum is wrong, so it was edited or is damaged; if the values are as you want them, "
            f"confirm them with 'async_rl config accept {path.parent}', else restore the file"
        )


def accept(path: Path, text: str) -> bool:
    """Gives an edited `config.yaml` a right checksum; whether it had none or a wrong one."""
    if verdict(text) is Checksum.RIGHT:
        return False
    lines = [line for line in text.splitlines(keepends=True) if not _is_seal(line)]
    try:
        write_sealed(path, "".join(lines))
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}; check its permissions") from None
    return True


def _is_seal(line: str) -> bool:
    return line.startswith("#") and any(trace in line for trace in (*_TRACES, HEADER[:40]))


def _digest(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()
