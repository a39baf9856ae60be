"""The centre crop of a picture."""

Window = tuple[slice, slice]
"""Rows and columns."""


def window(width: int, height: int, aspect: tuple[int, int], grain: int = 1) -> Window:
    """Returns the largest centred part of a picture with the aspect ratio (width, height), in whole pixels.

    The first column and the number of columns are multiples of `grain`.
    """
    wide, high = aspect
    columns = max(grain, min(width, round(height * wide / high)))
    rows = max(1, min(height, round(width * high / wide)))
    columns -= columns % grain
    left, top = (width - columns) // 2, (height - rows) // 2
    left -= left % grain
    return slice(top, top + rows), slice(left, left + columns)
