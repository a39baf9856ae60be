"""A wall clock that can be set, for the processes of a run only: the machine's own stays as it is."""

import mmap
import shutil
import struct
import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_name("wall_clock.c")
COMPILER = shutil.which("cc")


class WallClock:
    """Processes that are started with `environment` read the wall clock as `step` sets it, while they run too.

    `folder` takes what is compiled. Raises `OSError` or `subprocess.CalledProcessError` where that fails.
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
        """Set the clock so many seconds off the true time, at once."""
        self._offset[:] = struct.pack("q", seconds)
