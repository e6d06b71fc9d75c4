"""A line of block characters that shows how a value went: a picture for the cell of a table."""

from __future__ import annotations

import math
from collections.abc import Sequence

BLOCKS = "▁▂▃▄▅▆▇█"
_MIDDLE = BLOCKS[3]


def sparkline(values: Sequence[float | None], width: int) -> str:
    """Draw values, the oldest first, in at most `width` characters; None (or what is not finite) is a space.

    Where there are more values than characters, each character shows the last known value of its part. Values that are
    all the same are a flat line in the middle.

    >>> sparkline([1, 2, None, 4], 4)
    '▁▃ █'
    """
    cells = [_last(part) for part in _parts(values, width)]
    known = [each for each in cells if each is not None]
    if not known:
        return " " * len(cells)
    low, high = min(known), max(known)
    return "".join(" " if each is None else _block(each, low, high) for each in cells)


def _parts(values: Sequence[float | None], width: int) -> list[Sequence[float | None]]:
    count = max(0, min(width, len(values)))
    return [values[len(values) * at // count : len(values) * (at + 1) // count] for at in range(count)]


def _last(part: Sequence[float | None]) -> float | None:
    return next((each for each in reversed(part) if each is not None and math.isfinite(each)), None)


def _block(value: float, low: float, high: float) -> str:
    if not high > low:
        return _MIDDLE
    share = (value / 2 - low / 2) / (high / 2 - low / 2)  # halves: the difference of two huge values stays finite
    return BLOCKS[min(len(BLOCKS) - 1, int(share * len(BLOCKS)))]
