import errno
import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from async_rl_core.run_folder import appended_file as appended
from async_rl_core.run_folder.appended_file import AppendedFile
from testing.full_disk import files_up_to


def test_appended_records_follow_the_header(tmp_path: Path) -> None:
    for record in (b"one\n", b"two\n"):
        AppendedFile(tmp_path / "file", b"header\n").write(record)
    assert (tmp_path / "file").read_bytes() == b"header\none\ntwo\n"


@pytest.mark.parametrize("room", [0, 1, 5])
def test_appended_record_that_was_cut_off_is_written_whole_later(tmp_path: Path, room: int) -> None:
    file = AppendedFile(tmp_path / "file")
    file.write(b"one\n")
    with files_up_to(4 + room):
        file.write(b"two and more\n")
        file.write(b"3\n")
        assert (file.pending, file.failed) == (2, f"{file.path} cannot be written: File too large")
        assert file.path.read_bytes() == b"one\n"
    file.flush()
    assert (file.pending, file.failed) == (0, "")
    assert file.path.read_bytes() == b"one\ntwo and more\n3\n"


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EMFILE])
@pytest.mark.parametrize("call", ["open", "write"])
def test_appended_records_survive_every_error_of_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, call: str
) -> None:
    file = AppendedFile(tmp_path / "file")

    def fail(*anything: Any) -> int:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, call, fail)
        file.write(b"one\n")
        assert file.failed == f"{file.path} cannot be written: {os.strerror(number)}"
    file.write(b"two\n")
    assert (file.failed, file.path.read_bytes()) == ("", b"one\ntwo\n")


def test_appended_records_beyond_the_memory_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, full_disk: Callable[[], AbstractContextManager[None]]
) -> None:
    monkeypatch.setattr(appended, "MOST_PENDING", 3)
    file = AppendedFile(tmp_path / "file")
    with full_disk():
        for record in (b"1\n", b"2\n", b"3\n", b"4\n", b"5\n"):
            file.write(record)
    file.flush()
    assert (file.lost, file.path.read_bytes()) == (2, b"3\n4\n5\n")
