import os
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def open_files(tmp_path: Path) -> Callable[[], list[str]]:
    """Tells what this process has open in the test's folder, nameless files included: paths of its descriptors."""

    def find() -> list[str]:
        descriptors = [f"/proc/self/fd/{number}" for number in os.listdir("/proc/self/fd")]
        return [path for path in descriptors if os.path.realpath(path).startswith(str(tmp_path))]

    return find
