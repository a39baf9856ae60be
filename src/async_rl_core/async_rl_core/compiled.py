"""Functions that Numba compiles at import, and keeps compiled where it can."""

import logging
import os
from collections.abc import Callable
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
            if not numba.config.CACHE_DIR:  # NUMBA_CACHE_DIR
                numba.config.CACHE_DIR = str(_cache_folder())
            cached: Function = numba.njit(signature, cache=True, **options)(function)
        except Exception as error:  # of the folder, of its disk, or of a damaged file in it
            _warn(error)
            compiled: Function = numba.njit(signature, **options)(function)
            return compiled
        return cached

    return decorate


def _cache_folder() -> Path:
    """Where compiled kernels are kept, so that packages may be installed read-only. Raises where none can be had."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = base / "async_rl" / "numba"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _warn(error: Exception) -> None:
    """Says once per process what is wrong with the cache."""
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
