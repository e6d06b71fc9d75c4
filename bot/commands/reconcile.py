"""`/reconcile`: what an agent's change of equity is made of, and what nobody can explain."""

from __future__ import annotations

from bot.arguments import at_most
from bot.chat import Message
from bot.command import Context, Role, UsageError, command
from bot.quantities import shown
from bot.views.reconcile import accepted, every, one, question

_ACCEPT = "accept"
_WORDS = 2


def _accepts(ctx: Context) -> bool:
    return len(ctx.args) == _WORDS and ctx.args[1].lower() == _ACCEPT


def _question(ctx: Context) -> str | None:
    if not _accepts(ctx) or ctx.role < Role.OPERATOR:
        return None
    agent = ctx.desk.agent(ctx.args[0]).agent.id
    return question(agent, ctx.desk.reconciliation(agent), ctx.desk.currency)


@command(
    "reconcile",
    usage="/reconcile [AGENT] [accept]",
    summary="Show what the change of equity is made of: trades, open positions, cash flows, and what nobody can "
    "explain. Operators accept a rest.",
    confirm=_question,
    examples=("/reconcile", "/reconcile alpha"),
    changes=lambda ctx: _accepts(ctx) and ctx.role >= Role.OPERATOR,
)
async def reconcile(ctx: Context) -> Message:
    """Answer with the parts of one agent, with a row for each, or accept a rest."""
    at_most(ctx.args, _WORDS)
    desk = ctx.desk
    if not ctx.args:
        return every({name: desk.reconciliation(name) for name in desk.agents}, desk.currency, desk.now())
    agent = desk.agent(ctx.args[0]).agent.id
    if len(ctx.args) == 1:
        may = ctx.role >= Role.OPERATOR
        return one(agent, desk.reconciliation(agent), desk.currency, desk.now(), may=may)
    if not _accepts(ctx):
        raise UsageError(f"{shown(ctx.args[1])} has no meaning here: write /reconcile {agent} accept, or leave it out")
    if ctx.role < Role.OPERATOR:
        raise UsageError("only an operator or admin can accept what is unexplained: ask one of them")
    if desk.reconciliation(agent).reconciled() is None:
        raise UsageError(f"there is nothing to accept yet: /reconcile {agent} says what is lacking")
    found = (await desk.accept_rest(agent)).reconciled()
    if found is None:
        raise UsageError(f"there is nothing to accept any more: see /reconcile {agent}")
    return accepted(agent, found, desk.currency, desk.now())
