"""A file is whole or not there."""

from pathlib import Path

import pytest

from async_rl_core.atomic_file import replacing


def test_replacing_keeps_the_old_file_until_the_new_one_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "summary.json"
    path.write_text("old")
    with replacing(path) as temporary:
        temporary.write_text("new")
        assert (path.read_text(), temporary.suffix) == ("old", ".json")
    assert path.read_text() == "new"


def test_replacing_after_an_error_leaves_nothing(tmp_path: Path) -> None:
    def write_half() -> None:
        with replacing(tmp_path / "summary.json") as temporary:
            temporary.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_half()
    assert list(tmp_path.iterdir()) == []
