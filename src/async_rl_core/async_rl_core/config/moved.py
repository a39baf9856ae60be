"""Keys that an earlier version had elsewhere."""

from collections.abc import Iterator

from async_rl_core.config.document import Document, Key

_MOVED: dict[Key, str] = {
    ("sac", name): f"learning.{name}" for name in ("batch_size", "discount", "reward_scale", "precision")
}


def moved_keys(source: Document) -> Iterator[tuple[Key, str]]:
    """Yields each key of a source that has another name now, with that name."""
    yield from ((key, new) for key, new in _MOVED.items() if source.has(key))
