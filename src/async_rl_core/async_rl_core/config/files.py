"""Writing a file so that it is whole or not there."""

import os
import tempfile
from pathlib import Path


def write_text(path: Path, text: str) -> None:
    """Writes a text file in UTF-8, durably; on an error the old file stays. Raises OSError."""
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
