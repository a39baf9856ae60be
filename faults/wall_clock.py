"""A wall clock that can be set for the processes of a run only."""

import mmap
import shutil
import struct
import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_name("wall_clock.c")
COMPILER = shutil.which("cc")


class WallClock:
    """Sets the wall clock of processes that are started with `environment`, also while they run.

    `folder` receives the compiled library. Raises `OSError` or `subprocess.CalledProcessError` if that fails.
    """

    def __init__(self, folder: Path) -> None:
        library, path = folder / "wall_clock.so", folder / "wall_clock_offset"
        assert COMPILER is not None
        subprocess.run([COMPILER, "-shared", "-fPIC", "-O1", "-o", library, SOURCE, "-ldl"], check=True)
        path.write_bytes(bytes(8))
        with path.open("r+b") as file:
            self._offset = mmap.mmap(file.fileno(), 8)
        self.environment = {"LD_PRELOAD": str(library), "WALL_CLOCK_OFFSET": str(path)}

    def step(self, seconds: int) -> None:
        """Sets the clock to the true time plus `seconds`."""
        self._offset[:] = struct.pack("q", seconds)
