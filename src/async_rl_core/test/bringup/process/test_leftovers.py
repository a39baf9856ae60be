"""Only what came during the run, and what nobody uses, is removed."""

import fcntl
import mmap
import time
from pathlib import Path

from async_rl_core.bringup.process.leftovers import (
    clean_dead_middleware,
    clean_middleware,
    middleware_files,
    used_files,
)

OLD, DEAD, LOCKED, MAPPED = (f"fastdds_{digit * 16}" for digit in "abcd")


def segment(folder: Path, stem: str) -> None:
    for name in (stem, f"{stem}_el"):
        (folder / name).write_bytes(bytes(4096))


def test_clean_middleware_keeps_used_and_older_files(tmp_path: Path) -> None:
    segment(tmp_path, OLD)
    before, now = middleware_files(tmp_path), time.time()
    for stem in (DEAD, LOCKED, MAPPED, "fastdds_port7412"):
        segment(tmp_path, stem)
    for other in ("sem.fastdds_port7412_mutex", "fastdds_notes.txt", "iox2_something", "myfastdds_port7412"):
        (tmp_path / other).touch()
    with (tmp_path / f"{LOCKED}_el").open("rb") as lock, (tmp_path / MAPPED).open("r+b") as file:
        fcntl.flock(lock, fcntl.LOCK_SH)
        mapping = mmap.mmap(file.fileno(), 0)
        file.close()
        assert clean_middleware(before, now, tmp_path) == []  # too young
        assert used_files(tmp_path) == {name + end for name in (LOCKED, MAPPED) for end in ("", "_el")}
        removed = clean_middleware(before, time.time() + 60, tmp_path)
        mapping.close()
    port = ["fastdds_port7412", "fastdds_port7412_el", "sem.fastdds_port7412_mutex"]
    assert removed == sorted([DEAD, f"{DEAD}_el", *port])
    assert middleware_files(tmp_path) == {name + end for name in (OLD, LOCKED, MAPPED) for end in ("", "_el")}
    assert {"fastdds_notes.txt", "iox2_something", "myfastdds_port7412"} <= {p.name for p in tmp_path.iterdir()}


def test_clean_dead_middleware_removes_files_of_killed_processes(tmp_path: Path) -> None:
    now = time.time()
    for stem in (DEAD, LOCKED):
        segment(tmp_path, stem)
    (tmp_path / OLD).touch()  # without a lock file nothing tells whether its owner lives
    with (tmp_path / f"{LOCKED}_el").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert clean_dead_middleware(now, tmp_path) == []  # too young
        assert clean_dead_middleware(time.time() + 60, tmp_path) == [DEAD, f"{DEAD}_el"]
    assert middleware_files(tmp_path) == {OLD, LOCKED, f"{LOCKED}_el"}
