"""Someone else's package, installed for one test; a disk that is full for a while."""

import contextlib
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from async_rl_core import plugins
from testing.full_disk import files_up_to

Install = Callable[[str, str, Mapping[str, str]], Path]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Called with a group, an entry point such as 'juggling = balls:Balls', and files by name; returns their folder."""
    folder = tmp_path / "someone_elses"

    def write(group: str, entry_point: str, files: Mapping[str, str]) -> Path:
        metadata = folder / "someone_elses-1.0.dist-info"
        metadata.mkdir(parents=True)
        (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: someone_elses\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text(f"[{group}]\n{entry_point}\n")
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
        monkeypatch.syspath_prepend(str(folder))
        return folder

    plugins._load.cache_clear()
    before = set(sys.modules)
    yield write
    plugins._load.cache_clear()
    for name in set(sys.modules) - before:
        if (getattr(sys.modules[name], "__file__", None) or "").startswith(str(folder)):
            del sys.modules[name]


FullDisk = Callable[[], "contextlib.AbstractContextManager[None]"]


@pytest.fixture
def full_disk() -> FullDisk:
    """A context in which the kernel refuses every write to a file: this process's files may not grow."""

    return lambda: files_up_to(0)
