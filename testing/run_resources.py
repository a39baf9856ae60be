"""Resources of a run: processes, memory, files in shared memory."""

import os
from pathlib import Path

from async_rl_core.bringup.process.leftovers import SHARED_MEMORY, middleware_files

PAGE = os.sysconf("SC_PAGE_SIZE")


def processes_of(run_dir: Path) -> list[int]:
    """Returns living processes whose command line names a file of the run."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().decode(errors="replace")
        except OSError:  # it just ended
            continue
        if f"{run_dir}/" in line:
            found.append(int(path.parent.name))
    return found


def shared_files(domain: int) -> set[str]:
    """Returns files in shared memory of a domain, and the middleware's."""
    prefix = f"async_rl-{os.getuid()}-{domain}"
    own = {path.name for path in SHARED_MEMORY.iterdir() if path.name == prefix or path.name.startswith(f"{prefix}-")}
    return own | middleware_files()


def resident(pid: int) -> int:
    """Returns the resident memory of a process in bytes."""
    return int(Path(f"/proc/{pid}/statm").read_text(encoding="utf-8").split()[1]) * PAGE
