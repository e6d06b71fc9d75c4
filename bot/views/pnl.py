"""Profit and loss by one dimension: what each place made, what it cost, and what is left."""

from __future__ import annotations

from bot.chat import Message, Table
from bot.format import count, number, plain
from monitor.attribution import Attribution, Line

_HEADS = {"hour": "Hour UTC", "weekday": "Weekday UTC", "exit": "Exit reason"}
_SHOWN = 50
"""Places told one by one."""


def pnl(found: Attribution, where: str, currency: str, paper: Attribution | None = None) -> Message:
    """Gross, fees, slippage and net of each place; `where` says whose trades and since when, in words.

    `paper`: the same of trades without money, which are never counted with the others.
    """
    total = found.total
    made_up = paper is not None and paper.total.trades > 0
    if not total.trades and not made_up:
        return Message(f"No closed trades: {where}", "Profit and loss is told once a trade is closed and stored.")
    drag = "n/a" if found.fee_drag is None else f"{number(found.fee_drag, 1)}%"
    tables = (_table(found, ""),) if total.trades else ()
    if paper is not None and made_up:
        tables = (*tables, _table(paper, "Paper: "))
        net = number(paper.total.net, signed=True)
        apart = f" Paper, counted apart: {net} {currency} in {count(paper.total.trades, 'trade')}."
    else:
        apart = ""
    funding = " - funding" if found.total.funding or any(line.funding for line in found.lines) else ""
    losing = sum(line.net < 0 for line in found.lines)
    rest = len(found.lines) - _SHOWN
    lines = f"{losing} of {count(len(found.lines), 'line')} lost money." + (f" {rest} not shown." if rest > 0 else "")
    return Message(
        title=f"{number(total.net, signed=True)} {currency} net by {' x '.join(found.by)}: {where}"
        if total.trades
        else f"No closed trades with money: {where}",
        text=f"{lines if total.trades else ''}{apart}".strip(),
        tables=tables,
        footer=f"Money in {currency}. Net = gross - fees - slippage{funding}. Fee drag {drag} of gross moves.",
    )


def _table(found: Attribution, mark: str) -> Table:
    head = f"{mark}{' x '.join(_HEADS.get(name, name.capitalize()) for name in found.by)}"
    funded = any(line.funding for line in found.lines)
    rows = tuple(_row(line, funded=funded) for line in (*found.lines[:_SHOWN], found.total))
    money = ("Net", "Gross", "Fees", "Slippage", *(("Funding",) if funded else ()))
    return Table((head, *money, "Trades", "Won"), rows)


def _row(line: Line, *, funded: bool) -> tuple[str, ...]:
    won = f"{100 * line.wins / line.trades:.0f}%" if line.trades else "n/a"
    return (
        " x ".join(plain(key, 40) or "(none)" for key in line.keys),
        number(line.net, signed=True),
        number(line.gross, signed=True),
        number(line.fees),
        number(line.slippage),
        *((number(line.funding),) if funded else ()),
        f"{line.trades:,}",
        won,
    )
