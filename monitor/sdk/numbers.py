"""What an agent gives as a figure is one, or unknown."""

from __future__ import annotations

import math
from decimal import Decimal


def finite(value: object) -> float | None:
    """A number as a finite float, anything else as None."""
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        return None
    try:
        number = float(value)
    except (OverflowError, ValueError):  # 10**400, a signalling NaN
        return None
    return number if math.isfinite(number) else None
