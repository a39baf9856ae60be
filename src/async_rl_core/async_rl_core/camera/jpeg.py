"""Completeness of a JPEG picture: its entropy-coded data are decoded unit by unit.

libjpeg fills missing data with grey, or with the coarse picture of a progressive file, and OpenCV does not report it.
An end marker proves nothing, because a relay may append one to a truncated picture.
"""

from dataclasses import dataclass, field
from functools import cache, lru_cache
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
from numba import types
from numpy.typing import NDArray

from async_rl_core.compiled import compile_at_import
from async_rl_core.errors import ImageError

Bytes = NDArray[np.uint8]
Table = NDArray[np.uint16]

_BASELINE, _EXTENDED, _PROGRESSIVE = 0xC0, 0xC1, 0xC2
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_DHT, _SOI, _EOI, _SOS, _DRI = 0xC4, 0xD8, 0xD9, 0xDA, 0xDD
_RESTARTS = range(0xD0, 0xD8)
_BLOCK = 64
"""Coefficients of a block of 8x8 pixels."""

_SEQUENTIAL, _DC_FIRST, _DC_REFINED, _AC_FIRST, _AC_REFINED = range(5)
_DAMAGED = -1
_PADDING = 2
"""Bytes after the data, so that 16 bits can be read from each of its bits."""


@dataclass
class _Component:
    across: int
    down: int
    low_bit: NDArray[np.int8] = field(default_factory=lambda: np.full(_BLOCK, -1, np.int8))
    """Lowest bit read of each coefficient; -1 for none yet."""
    nonzero: NDArray[np.uint8] = field(default_factory=lambda: np.zeros((0, _BLOCK), np.uint8))
    """(blocks, 64), whether a coefficient of a progressive picture is known to be nonzero."""


def require_whole(values: Bytes) -> None:
    """Raises `ImageError` where a JPEG picture is incomplete or damaged."""
    try:
        _Walk(values).run()
    except (IndexError, ValueError):  # a segment is shorter than its length field
        raise ImageError(_cut_off(values)) from None


def _cut_off(values: Bytes) -> str:
    return f"a JPEG picture of {len(values)} bytes was cut off"


class _Walk:
    """One pass over a picture's segments."""

    def __init__(self, values: Bytes) -> None:
        self._values = values
        self._data = values.tobytes()
        self._components: dict[int, _Component] = {}
        self._tables = _standard_tables().copy()
        self._interval = self._width = self._height = 0
        self._progressive = False

    def run(self) -> None:
        position = 2
        while True:
            marker, position = self._marker(position)
            if marker == _EOI:
                break
            if marker == _SOI or marker in _RESTARTS or marker == 0x01:  # without a length
                continue
            length = self._data[position] << 8 | self._data[position + 1]
            start, end = position + 2, position + length
            if length < 2 or end > len(self._data):
                raise ImageError(_cut_off(self._values))
            body = self._data[start:end]
            position = end
            if marker in _FRAMES:
                self._frame(marker, body)
            elif marker == _DHT:
                self._huffman_tables(body)
            elif marker == _DRI:
                self._interval = body[0] << 8 | body[1]
            elif marker == _SOS:
                position = self._scan(body, end)
        if not self._components or any((one.low_bit != 0).any() for one in self._components.values()):
            raise ImageError(_cut_off(self._values))

    def _marker(self, position: int) -> tuple[int, int]:
        """Returns the next marker and the start of its segment; other bytes are skipped, as libjpeg does."""
        while True:
            position = self._data.find(b"\xff", position)
            if position < 0:
                raise IndexError
            while self._data[position] == 0xFF:
                position += 1
            if self._data[position] != 0:
                return self._data[position], position + 1

    def _frame(self, marker: int, body: bytes) -> None:
        if marker not in (_BASELINE, _EXTENDED, _PROGRESSIVE):
            raise ImageError(f"a JPEG picture of kind 0x{marker:02x} is not supported; use baseline or progressive")
        self._progressive = marker == _PROGRESSIVE
        self._height, self._width = body[1] << 8 | body[2], body[3] << 8 | body[4]
        self._components = {
            body[6 + 3 * i]: _Component(body[7 + 3 * i] >> 4, body[7 + 3 * i] & 15) for i in range(body[5])
        }
        if not self._width or not self._height or any(not (c.across and c.down) for c in self._components.values()):
            raise ImageError("a JPEG picture does not say its size")

    def _huffman_tables(self, body: bytes) -> None:
        while body:
            kind, number = body[0] >> 4, body[0] & 15
            counts = body[1:17]
            end = 17 + sum(counts)
            if len(body) < end or kind > 1 or number > 3:
                raise ImageError("a JPEG picture has a damaged Huffman table")
            self._tables[4 * kind + number] = _lookup(counts, body[17:end])
            body = body[end:]

    def _scan(self, body: bytes, start: int) -> int:
        """Decodes a scan. Returns its end."""
        count = body[0]
        parts = [(self._components.get(body[1 + 2 * i]), body[2 + 2 * i]) for i in range(count)]
        first, last, bits = body[1 + 2 * count : 4 + 2 * count]
        chosen = [(component, tables) for component, tables in parts if component is not None]
        if len(chosen) != count or not count or last >= _BLOCK or first > last:
            raise ImageError("a JPEG picture has a damaged scan")
        high, low = bits >> 4, bits & 15
        mode = self._mode(first, high)
        if not self._progressive:
            first, last, low = 0, _BLOCK - 1, 0
        units, blocks = self._layout([component for component, _ in chosen])
        dc = np.array([t >> 4 & 3 for (_, t), n in zip(chosen, blocks, strict=True) for _ in range(n)], np.int64)
        ac = np.array([4 + (t & 3) for (_, t), n in zip(chosen, blocks, strict=True) for _ in range(n)], np.int64)
        nonzero = self._history(chosen[0][0], units) if mode >= _AC_FIRST else np.zeros((0, _BLOCK), np.uint8)
        end, pieces = _pieces(self._values, start)
        per_piece = self._interval or units
        done = 0
        for piece in pieces:
            wanted = min(per_piece, units - done)
            if wanted <= 0:
                break
            found = _walk(piece, self._tables, dc, ac, wanted, mode, first, last, nonzero[done:])
            if found == _DAMAGED:
                raise ImageError(f"a JPEG picture of {len(self._values)} bytes is damaged")
            if found < wanted:
                break
            done += found
        if done < units:
            raise ImageError(f"{_cut_off(self._values)}: it ends after {done} of {units} units of a scan")
        for component, _ in chosen:
            component.low_bit[first : last + 1] = low
        return end

    def _mode(self, first: int, high: int) -> int:
        if not self._progressive:
            return _SEQUENTIAL
        if first == 0:
            return _DC_REFINED if high else _DC_FIRST
        return _AC_REFINED if high else _AC_FIRST

    def _layout(self, chosen: list[_Component]) -> tuple[int, list[int]]:
        """Returns the number of units in a scan, and of blocks of each component in a unit."""
        across = max(component.across for component in self._components.values())
        down = max(component.down for component in self._components.values())
        if len(chosen) > 1:
            units = _ceil(self._width, 8 * across) * _ceil(self._height, 8 * down)
            return units, [component.across * component.down for component in chosen]
        (one,) = chosen
        width, height = _ceil(self._width * one.across, across), _ceil(self._height * one.down, down)
        return _ceil(width, 8) * _ceil(height, 8), [1]

    @staticmethod
    def _history(component: _Component, units: int) -> NDArray[np.uint8]:
        if len(component.nonzero) != units:
            component.nonzero = np.zeros((units, _BLOCK), np.uint8)
        return component.nonzero


def _ceil(value: int, unit: int) -> int:
    return -(-value // unit)


def _pieces(values: Bytes, start: int) -> tuple[int, list[Bytes]]:
    """Returns the end of the entropy-coded data from `start`, and its parts between restart markers, unstuffed."""
    marks = np.flatnonzero(values[start:-1] == 0xFF) + start
    codes = values[marks + 1]
    ends = marks[(codes != 0) & (codes != 0xFF) & ((codes < _RESTARTS.start) | (codes >= _RESTARTS.stop))]
    end = int(ends[0]) if len(ends) else len(values)
    inside = marks < end
    marks, codes = marks[inside], codes[inside]
    restarts = marks[(codes >= _RESTARTS.start) & (codes < _RESTARTS.stop)]
    keep = np.ones(end - start, np.bool_)
    stuffed = marks[codes == 0] + 1 - start
    keep[stuffed[stuffed < len(keep)]] = False
    bounds = [start, *(int(mark) for mark in restarts), end]
    pieces = []
    for low, high in pairwise(bounds):
        low = low if low == start else low + 2
        data = values[low:high][keep[low - start : high - start]]
        pieces.append(np.concatenate([data, np.zeros(_PADDING, np.uint8)]))
    return end, pieces


@lru_cache(32)  # a camera sends the same ones with each picture
def _lookup(counts: bytes, symbols: bytes) -> Table:
    """Returns, for each value of 16 bits, the length of its first code times 256 plus the symbol; 0 for no code."""
    table = np.zeros(65536, np.uint16)
    position = index = 0
    for length, count in enumerate(counts, 1):
        span = 1 << (16 - length)
        for symbol in symbols[index : index + count]:
            table[position : position + span] = length << 8 | symbol
            position += span
        index += count
    return table


@cache
def _standard_tables() -> NDArray[np.uint16]:
    """Returns the standard tables (8, 65536), DC then AC, which motion JPEG cameras omit."""
    tables = np.zeros((8, 65536), np.uint16)
    data = cv2.imencode(".jpg", np.zeros((8, 8, 3), np.uint8))[1].tobytes()
    position = 2
    while data[position + 1] != _SOS:
        length = data[position + 2] << 8 | data[position + 3]
        body = data[position + 4 : position + 2 + length]
        while data[position + 1] == _DHT and body:
            end = 17 + sum(body[1:17])
            tables[4 * (body[0] >> 4) + (body[0] & 15)] = _lookup(body[1:17], body[17:end])
            body = body[end:]
        position += 2 + length
    return tables


_SIGNATURE = types.int64(
    types.Array(types.uint8, 1, "C"),
    types.Array(types.uint16, 2, "C"),
    types.Array(types.int64, 1, "C"),
    types.Array(types.int64, 1, "C"),
    types.int64,
    types.int64,
    types.int64,
    types.int64,
    types.Array(types.uint8, 2, "C"),
)


@compile_at_import(_SIGNATURE)
def _walk(
    data: Bytes,
    tables: NDArray[np.uint16],
    dc: NDArray[np.int64],
    ac: NDArray[np.int64],
    units: int,
    mode: int,
    first: int,
    last: int,
    nonzero: NDArray[np.uint8],
) -> int:
    """Decodes `units` units. Returns the number present, or -1 for a code that is not in the table.

    Args:
        data: entropy-coded, without stuffing, with two bytes more.
        tables: (8, 65536), as `_lookup` makes them.
        dc, ac: the tables of each block of a unit.
        mode: of the scan; `first` to `last` are its coefficients.
        nonzero: (units, 64), of scans of AC coefficients.
    """
    end: Any = 8 * (len(data) - _PADDING)
    position: Any = 0
    run: Any = 0  # blocks without coefficients that are left
    for unit in range(units):
        for block in range(len(dc)):
            k: Any = first
            if mode == 2:  # one bit more of the mean
                position += 1
            if mode <= 1:
                if position >= end:
                    return unit
                at = position >> 3
                word = np.int64(data[at]) << 16 | np.int64(data[at + 1]) << 8 | np.int64(data[at + 2])
                code = np.int64(tables[dc[block], word >> (8 - (position & 7)) & 0xFFFF])
                if code == 0:
                    return -1 if position + 16 <= end else unit
                position += (code >> 8) + (code & 255)
                k = 1
            if mode == 1 or mode == 2:
                if position > end:
                    return unit
                continue
            while k <= last and run == 0:
                if position >= end:
                    return unit
                at = position >> 3
                word = np.int64(data[at]) << 16 | np.int64(data[at + 1]) << 8 | np.int64(data[at + 2])
                code = np.int64(tables[ac[block], word >> (8 - (position & 7)) & 0xFFFF])
                if code == 0:
                    return -1 if position + 16 <= end else unit
                position += code >> 8
                zeros, size = code >> 4 & 15, code & 15
                if size == 0 and zeros < 15:
                    if mode == 0:
                        break
                    run = 1 << zeros
                    for _ in range(zeros):
                        if position >= end:
                            return unit
                        zeros -= 1
                        run += (np.int64(data[position >> 3]) >> (7 - (position & 7)) & 1) << zeros
                        position += 1
                    break
                if mode == 4:
                    position += 1 if size else 0
                    while k <= last:
                        if nonzero[unit, k]:
                            position += 1
                        elif zeros == 0:
                            break
                        else:
                            zeros -= 1
                        k += 1
                    if size and k <= last:
                        nonzero[unit, k] = 1
                    k += 1
                    continue
                k += zeros
                position += size
                if mode == 3 and size and k <= last:
                    nonzero[unit, k] = 1
                k += 1
            if run > 0:
                if mode == 4:
                    while k <= last:
                        position += np.int64(nonzero[unit, k])
                        k += 1
                run -= 1
            if position > end:
                return unit
    return units
