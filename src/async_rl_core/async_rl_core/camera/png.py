"""Completeness of a PNG picture: chunks, checksums, and the end of the compressed pixels."""

import zlib

from async_rl_core.errors import ImageError

_SIGNATURE = 8  # bytes
_HEAD, _CHECK = 8, 4  # of a chunk: length and type; checksum


def require_whole(data: bytes) -> None:
    """Raises `ImageError` where a PNG picture is incomplete or damaged."""
    pixels, position = zlib.decompressobj(), _SIGNATURE
    while True:
        head = data[position : position + _HEAD]
        length, kind = int.from_bytes(head[:4], "big"), head[4:]
        end = position + _HEAD + length + _CHECK
        if len(head) < _HEAD or end > len(data):
            raise ImageError(f"a PNG picture of {len(data)} bytes was cut off")
        if zlib.crc32(data[position + 4 : end - _CHECK]) != int.from_bytes(data[end - _CHECK : end], "big"):
            raise ImageError(f"a PNG picture of {len(data)} bytes is damaged")
        body = data[position + _HEAD : end - _CHECK]
        if kind == b"IDAT" and not pixels.eof:
            try:
                pixels.decompress(body)
            except zlib.error:
                raise ImageError(f"a PNG picture of {len(data)} bytes is damaged") from None
        position = end
        if kind == b"IEND":
            break
    if not pixels.eof:
        raise ImageError(f"a PNG picture of {len(data)} bytes was cut off")
