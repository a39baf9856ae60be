import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from llvmlite import binding
from numpy.typing import NDArray

from async_rl_core.replay import kernels
from async_rl_core.replay.kernels import gather


def naive(frames: NDArray[np.uint8], slots: NDArray[np.int64], offsets: NDArray[np.int32], size: tuple[int, int]):  # type: ignore[no-untyped-def]
    height, width = size
    rows = []
    for stack, (top, left) in zip(slots, offsets, strict=True):
        images = [frames[slot, top : top + height, left : left + width] for slot in stack]
        rows.append(np.concatenate(images, axis=2))
    return np.stack(rows)


@given(
    stack=st.integers(1, 5),
    size=st.tuples(st.integers(1, 9), st.integers(1, 40)),
    margin=st.tuples(st.integers(0, 3), st.integers(0, 3)),
    batch=st.integers(1, 5),
    seed=st.integers(0, 2**32 - 1),
)
def test_gather_equals_its_definition(
    stack: int, size: tuple[int, int], margin: tuple[int, int], batch: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    height, width = size[0] + margin[0], size[1] + margin[1]
    ring = rng.integers(0, 256, 7 * height * width * 3, dtype=np.uint8)
    frames = ring.reshape(7, height, width, 3)
    slots = rng.integers(0, 7, (batch, stack))
    offsets = rng.integers(0, (margin[0] + 1, margin[1] + 1), (batch, 2), dtype=np.int32)
    guarded = np.full((batch + 1) * size[0] * size[1] * 3 * stack, 77, np.uint8)
    out = guarded[: batch * size[0] * size[1] * 3 * stack].reshape(batch, *size, 3 * stack)
    gather(ring, slots, offsets, height, width, out)
    np.testing.assert_array_equal(out, naive(frames, slots, offsets, size))
    assert (guarded[out.size :] == 77).all()


def compiled(features: dict[str, bool], folder: Path, patch: pytest.MonkeyPatch) -> ModuleType:
    """The kernels as a processor with these features gets them."""
    patch.setattr(numba.config, "CACHE_DIR", str(folder))
    patch.setattr(binding, "get_host_cpu_features", lambda: features)
    spec = importlib.util.spec_from_file_location("kernels_of_another_processor", kernels.__file__)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("wide", [False, True])
def test_gather_is_the_same_on_both_vector_widths(wide: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = compiled({"avx512vbmi": wide}, tmp_path, monkeypatch)
    rng = np.random.default_rng(0)
    for width in (1, 5, 6, 7, 11, 21, 22, 23, 43, 44, 156):
        ring = rng.integers(0, 256, 7 * 4 * (width + 2) * 3, dtype=np.uint8)
        slots, offsets = rng.integers(0, 7, (3, 3)), rng.integers(0, 3, (3, 2), dtype=np.int32)
        out = np.zeros((3, 2, width, 9), np.uint8)
        other.gather(ring, slots, offsets, 4, width + 2, out)
        np.testing.assert_array_equal(out, naive(ring.reshape(7, 4, width + 2, 3), slots, offsets, (2, width)))


@pytest.mark.parametrize(
    ("slots", "offsets", "message"),
    [
        ([[0, 1, 4]], [[0, 0]], "slots outside"),
        ([[-1, 1, 2]], [[0, 0]], "slots outside"),
        ([[0, 1, 2]], [[3, 0]], "leaves"),
        ([[0, 1, 2]], [[0, 3]], "leaves"),
        ([[0, 1, 2]], [[-1, 0]], "do not fit"),
        ([[0, 1]], [[0, 0]], "do not fit"),
    ],
)
def test_gather_touches_nothing_outside_of_the_ring(
    slots: list[list[int]], offsets: list[list[int]], message: str
) -> None:
    ring = np.zeros(4 * 6 * 8 * 3, np.uint8)
    out = np.zeros((1, 4, 6, 9), np.uint8)
    with pytest.raises(ValueError, match=message):
        gather(ring, np.array(slots), np.array(offsets, np.int32), 6, 8, out)


@pytest.mark.parametrize(
    "cache",
    [
        pytest.param("full disk"),
        pytest.param("no folder", marks=pytest.mark.long),
        pytest.param("damaged", marks=pytest.mark.long),
    ],
)
def test_kernels_without_a_cache_work_and_warn_once(tmp_path: Path, cache: str) -> None:
    program = "import resource, numpy as np\n"
    program += "resource.setrlimit(resource.RLIMIT_FSIZE, (0, -1))\n" if cache == "full disk" else ""
    program += "from async_rl_core.replay.kernels import gather\nprint('works')"
    surroundings = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    surroundings |= {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    if cache == "damaged":
        subprocess.run([sys.executable, "-c", program], env=surroundings, check=True, timeout=120)
        kept = [path for path in (tmp_path / "cache").rglob("*.nb?") if path.is_file()]
        assert kept
        for path in kept:
            path.write_bytes(path.read_bytes()[:100])
    elif cache == "no folder":
        (tmp_path / "cache").touch()
    done = subprocess.run(
        [sys.executable, "-c", program], env=surroundings, capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stdout) == (0, "works\n"), done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    assert done.stderr.startswith("warning: compiled kernels cannot be kept in ")
