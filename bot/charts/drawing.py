"""Pictures are drawn one after the other in one thread beside the program, which loads the library only then."""

from __future__ import annotations

import asyncio
import functools
from concurrent.futures import ThreadPoolExecutor

from bot.charts.values import Bars, Compared, Equity, Heat, Judged, Shown

_THREAD = ThreadPoolExecutor(max_workers=1, thread_name_prefix="charts")
"""The library is not safe in more than one thread."""


async def drawn(shown: Shown) -> bytes:
    """Draw a picture, off the event loop; returns a PNG of 1200 x 900 pixels."""
    return await asyncio.get_running_loop().run_in_executor(_THREAD, functools.partial(draw, shown))


def draw(shown: Shown) -> bytes:
    """The same in this thread, of which there is to be one."""
    from bot.charts import card  # noqa: PLC0415 - it loads matplotlib, which takes long
    from bot.charts.bars import bars  # noqa: PLC0415
    from bot.charts.compared import compared  # noqa: PLC0415
    from bot.charts.equity import equity  # noqa: PLC0415
    from bot.charts.heat import heat  # noqa: PLC0415
    from bot.charts.judged import judged  # noqa: PLC0415

    match shown:
        case Equity():
            return card.png(equity(shown))
        case Compared():
            return card.png(compared(shown))
        case Bars():
            return card.png(bars(shown))
        case Heat():
            return card.png(heat(shown))
        case Judged():
            return card.png(judged(shown))
