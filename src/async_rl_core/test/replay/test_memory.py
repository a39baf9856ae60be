from pathlib import Path

import pytest

from async_rl_core.errors import ConfigError
from async_rl_core.replay import memory


def test_require_of_too_much_memory_names_the_numbers_and_a_remedy() -> None:
    with pytest.raises(ConfigError, match=r"the store needs 1000000\.00 GB, this machine has .* GB left; buy less"):
        memory.require(10**15, "the store", "buy less")
    memory.require(1, "the store", "buy less")


def test_available_in_a_container_respects_its_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = memory.available()
    monkeypatch.setattr(memory, "_CGROUP", tmp_path)
    assert memory.available() > 0.5 * free
    (tmp_path / "memory.max").write_text("3000\n")
    (tmp_path / "memory.current").write_text("1000\n")
    (tmp_path / "memory.stat").write_text("anon 300\ninactive_file 600\nactive_file 100\n")
    assert memory.available() == 2600
    (tmp_path / "memory.max").write_text("max\n")
    assert memory.available() > 2600
