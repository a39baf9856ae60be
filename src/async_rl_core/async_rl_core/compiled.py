"""Functions that Numba compiles at import, and keeps compiled where it can."""

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numba

Function = Callable[..., Any]

_log = logging.getLogger(__name__)


def compile_at_import(signature: Any) -> Callable[[Function], Function]:
    """Compiles at import, once per machine: the first call must not wait for a compiler.

    The cache is no condition: where it cannot be read or written, each process compiles for itself.
    """
    options = {"nogil": True, "boundscheck": False, "error_model": "numpy"}

    def decorate(function: Function) -> Function:
        try:
            with _cache_in_use():
                cached: Function = numba.njit(signature, cache=True, **options)(function)
        except Exception as error:  # of the folder, of its disk, or of a damaged file in it
            _warn(error)
            compiled: Function = numba.njit(signature, **options)(function)
            return compiled
        return cached

    return decorate


@contextmanager
def _cache_in_use() -> Iterator[None]:
    """Lets Numba keep what it compiles in our folder, unless NUMBA_CACHE_DIR names another one."""
    chosen = numba.config.CACHE_DIR
    try:
        numba.config.CACHE_DIR = chosen or str(_cache_folder())
        yield
    finally:
        numba.config.CACHE_DIR = chosen  # other code of this process keeps its own


def _cache_folder() -> Path:
    """Returns the folder of compiled kernels, so that packages may be installed read-only. Raises if there is none."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = base / "async_rl" / "numba"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _warn(error: Exception) -> None:
    """Warns once per process that the cache cannot be used."""
    if _log.disabled:
        return
    folder = numba.config.CACHE_DIR or "~/.cache/async_rl/numba"
    reason = (error.strerror if isinstance(error, OSError) else None) or " ".join(str(error).split()) or repr(error)
    _log.warning(
        "warning: compiled kernels cannot be kept in %s (%s); compiling without, some seconds at each start; "
        "free space there, or set NUMBA_CACHE_DIR to another folder",
        folder,
        reason,
    )
    _log.disabled = True
