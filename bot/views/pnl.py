"""Profit and loss by one dimension: what each place made, what it cost, and what is left."""

from __future__ import annotations

from bot.chat import Message, Table
from bot.format import count, number, plain
from monitor.attribution import Attribution, Line

_HEADS = {"hour": "Hour UTC"}
_SHOWN = 50
"""Places told one by one."""


def pnl(found: Attribution, where: str, currency: str) -> Message:
    """Gross, fees, slippage and net of each place; `where` says whose trades and since when, in words."""
    total = found.total
    if not total.trades:
        return Message(f"No closed trades: {where}", "Profit and loss is told once a trade is closed and stored.")
    lines, rest = found.lines[:_SHOWN], len(found.lines) - _SHOWN
    drag = "n/a" if found.fee_drag is None else f"{number(found.fee_drag, 1)}%"
    columns = (_HEADS.get(found.by, found.by.capitalize()), "Net", "Gross", "Fees", "Slippage", "Trades", "Won")
    losing = sum(line.net < 0 for line in found.lines)
    return Message(
        title=f"{number(total.net, signed=True)} {currency} net by {found.by}: {where}",
        text=f"{losing} of {count(len(found.lines), 'line')} lost money." + (f" {rest} not shown." if rest > 0 else ""),
        tables=(Table(columns, tuple(_row(line) for line in (*lines, total))),),
        footer=f"Money in {currency}. Net = gross - fees - slippage. Fee drag {drag} of gross moves.",
    )


def _row(line: Line) -> tuple[str, ...]:
    won = f"{100 * line.wins / line.trades:.0f}%" if line.trades else "n/a"
    return (
        plain(line.key, 40) or "(none)",
        number(line.net, signed=True),
        number(line.gross, signed=True),
        number(line.fees),
        number(line.slippage),
        f"{line.trades:,}",
        won,
    )
