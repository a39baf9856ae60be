"""Loaned shared memory as arrays."""

import ctypes
from typing import Any

import iceoryx2 as iox2
import numpy as np
from numpy.typing import NDArray

from async_rl_core.spec.batch import ALIGNMENT

WORDS = iox2.Slice[ctypes.c_uint64]
"""The payload type of every service: 8-byte words, since a slice of bytes may start on an odd address."""


def words(nbytes: int) -> int:
    """Returns the words to loan for `nbytes` that start on an `ALIGNMENT` boundary."""
    return -(-(nbytes + ALIGNMENT) // 8)


def view(loan: Any, nbytes: int) -> NDArray[np.uint8]:
    """Returns the aligned `nbytes` of a loaned or received slice, without a copy; valid as long as the loan."""
    address = loan.payload_ptr
    start = address + -address % ALIGNMENT  # the same in every process, since segments are mapped to page boundaries
    return np.ctypeslib.as_array((ctypes.c_uint8 * nbytes).from_address(start))
