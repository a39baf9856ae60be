"""Paths that documents name exist."""

import re

import pytest

PYTHON_FILE = re.compile(r"`([a-z_]+/[a-z_/]*[a-z_0-9]+\.py)`")
PLACES = ("", "src", "src/async_rl_core", "src/async_rl_core/async_rl_core")


@pytest.mark.parametrize("document", ["architecture.md", "reliability.md", "performance.md"])
def test_document_names_files_that_exist(root, document):
    named = set(PYTHON_FILE.findall((root / "docs" / document).read_text(encoding="utf-8")))
    assert named
    assert [path for path in sorted(named) if not any((root / place / path).is_file() for place in PLACES)] == []
