"""Last step of set-up: each program starts."""

import sys
from pathlib import Path

import checks
import lockfile
import machine
import pytest
import setup


def workspace(tmp_path: Path, node: str) -> Path:
    """Returns an install/ with the command and one node, whose program is `node`."""
    for package, code in (("async_rl", ""), ("some_node", node)):
        path = tmp_path / "install" / package / "lib" / package / package
        path.parent.mkdir(parents=True)
        path.write_text(f"#!{sys.executable}\n{code}\n")
        path.chmod(0o755)
    return tmp_path / "install"


def test_check_passes_where_every_program_starts(root, tmp_path):
    checks.check(root / "tools" / "run.sh", workspace(tmp_path, "raise SystemExit(0)"), tmp_path / "log")


@pytest.mark.parametrize("code", ["import no_such_module", "raise SystemExit(3)", "import os; os.abort()"])
def test_check_names_the_program_that_does_not_start(root, tmp_path, code):
    with pytest.raises(machine.MissingError, match=r"starting .*some_node/some_node failed"):
        checks.check(root / "tools" / "run.sh", workspace(tmp_path, code), tmp_path / "log")


def test_check_lets_a_node_lack_an_optional_package(root, tmp_path):
    code = "raise ModuleNotFoundError(name='pylibfranka')"  # as on Python 3.13, which has no wheel of it
    checks.check(root / "tools" / "run.sh", workspace(tmp_path, code), tmp_path / "log")
    assert "lacks pylibfranka" in (tmp_path / "log" / "programs.log").read_text()
    optional = {lockfile.name_of(pin) for pin in lockfile.read_lock(root / "requirements.lock")["optional"]}
    assert optional == {name.replace("_", "-") for name in checks.OPTIONAL}


def test_check_of_a_workspace_without_programs_fails(root, tmp_path):
    (tmp_path / "install").mkdir()
    with pytest.raises(machine.MissingError, match="lacks the programs"):
        checks.check(root / "tools" / "run.sh", tmp_path / "install", tmp_path / "log")


def test_remove_old_builds_removes_only_what_the_source_lacks(tmp_path):
    for name in ("kept", "old"):
        marker = tmp_path / "install" / name / "share" / "colcon-core" / "packages" / name
        for folder in (marker.parent, tmp_path / "build" / name):
            folder.mkdir(parents=True)
        marker.touch()
    (tmp_path / "install" / "kept" / "link").symlink_to(tmp_path / "src" / "lost")
    (tmp_path / "src" / "kept").mkdir(parents=True)
    (tmp_path / "src" / "kept" / "package.xml").touch()
    setup.remove_old_builds(tmp_path, [tmp_path / "src"])
    assert sorted(path.name for path in tmp_path.glob("*/*")) == ["kept", "kept", "kept"]
    assert not (tmp_path / "install" / "kept" / "link").is_symlink()
