"""Which part of a picture is seen."""

Window = tuple[slice, slice]
"""Rows and columns."""


def window(width: int, height: int, aspect: tuple[int, int], grain: int = 1) -> Window:
    """The largest part in the middle of a picture whose sides are as the aspect's (width, height), to whole pixels.

    First and number of columns are multiples of `grain`.
    """
    wide, high = aspect
    columns = max(grain, min(width, round(height * wide / high)))
    rows = max(1, min(height, round(width * high / wide)))
    columns -= columns % grain
    left, top = (width - columns) // 2, (height - rows) // 2
    left -= left % grain
    return slice(top, top + rows), slice(left, left + columns)
