"""`/flow`: money that people moved in or out of an agent's account is no profit and no loss."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from bot.arguments import moment, signed
from bot.chat import Message
from bot.command import Context, Role, UsageError, command
from bot.format import plain
from bot.views.orders import flow as view
from bot.views.orders import flow_question

_WORDS = 2


@dataclass(frozen=True, slots=True)
class _Meant:
    agent: str
    amount: Decimal
    at: float | None
    note: str


def _meant(ctx: Context) -> _Meant:
    if len(ctx.args) < _WORDS:
        raise UsageError("say which agent and how much, for example /flow alpha +1000")
    agent = ctx.desk.agent(ctx.args[0]).agent.id
    amount, rest = signed(ctx.args[1]), ctx.args[2:]
    at = moment(rest[0], ctx.invocation.time) if rest else None
    note = rest if at is None else rest[1:]
    if at is not None and note and note[0].lower() in ("ago", "utc"):
        note = note[1:]
    return _Meant(agent, amount, at, " ".join(note))


def _question(ctx: Context) -> str:
    meant = _meant(ctx)
    asked = flow_question(meant.agent, meant.amount, ctx.desk.currency, meant.at, ctx.desk.now())
    return f'{asked} Note: "{plain(meant.note, 100)}".' if meant.note else asked


@command(
    "flow",
    usage="/flow AGENT ±AMOUNT [WHEN] [NOTE]",
    summary="Record a deposit (+) or withdrawal (-), so that it does not count as profit or loss; asks first. "
    "WHEN: 10m ago, 12:03, or left out: the step of the last 24 h that matches.",
    role=Role.OPERATOR,
    confirm=_question,
    examples=("/flow alpha +1000", "/flow alpha -250.50 12:03 monthly payout"),
)
async def flow(ctx: Context) -> Message:
    """Record the cash flow, and say where it was put."""
    meant = _meant(ctx)
    stored = await ctx.desk.record_flow(meant.agent, meant.amount, ctx.person.name, meant.at, meant.note)
    return view(stored, ctx.desk.currency, ctx.desk.now())
