"""Whether an agent that is to trade no more has opened or grown a position since, by what it reports itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from monitor.model import Position, Sample, Side

GROWS = 1.000001
"""A size that is larger by less is the same, written another way."""
_NAMED = 3


def grown(held: Sequence[Position] | None, count: int | None, sample: Sample) -> str | None:
    """What is open in `sample` beyond what was held, in a few words; None: nothing, or it does not say.

    `held`: what was open before, `count`: how many that were, where the agent says no more.
    """
    if held is not None and sample.positions is not None:
        before, now = _sizes(held), _sizes(sample.positions)
        more = [
            f"{asset} {side} {size:g}" + (f" (was {before[asset, side]:g})" if (asset, side) in before else "")
            for (asset, side), size in sorted(now.items())
            if size > before.get((asset, side), 0.0) * GROWS
        ]
        if not more:
            return None
        others = f" and {len(more) - _NAMED} more" if len(more) > _NAMED else ""
        return f"{', '.join(more[:_NAMED])}{others}"
    if count is not None and sample.open_positions is not None and sample.open_positions > count:
        return f"{sample.open_positions} open positions (were {count})"
    return None


def less(held: Sequence[Position] | None, now: Sequence[Position] | None) -> tuple[Position, ...] | None:
    """What is left of what was held, where that is less; None: it is not, or nobody says."""
    if held is None or now is None:
        return None
    before, left = _sizes(held), _sizes(now)
    if all(left.get(key, 0.0) * GROWS >= size for key, size in before.items()):
        return None
    kept = {key: min(size, left.get(key, 0.0)) for key, size in before.items()}
    return tuple(Position(asset, side, size) for (asset, side), size in sorted(kept.items()) if size > 0)


def _sizes(positions: Iterable[Position]) -> dict[tuple[str, Side], float]:
    """What is open of each asset and side, together."""
    sizes: dict[tuple[str, Side], float] = {}
    for each in positions:
        key = (each.asset, each.side)
        sizes[key] = sizes.get(key, 0.0) + each.size
    return sizes
