"""A digest goes out once for each time at which it is due, late rather than never, and too late not at all."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import replace

from bot.chat import Message
from bot.format import plain, span
from bot.settings import DigestPlan
from bot.views.report import packed, report
from monitor.alerts.alert import Kind, Notification, short_id
from monitor.alerts.routing import channels
from monitor.alerts.silence import matches
from monitor.desk import Desk
from monitor.engine.intake import complain
from monitor.model import Severity
from monitor.ports import Change, StoreError
from monitor.storage import Database

EVERY = 5.0
"""Seconds between two looks."""
LATE = 6 * 3_600.0
"""Seconds after its time at which a digest is still sent."""
WORTH_A_WORD = 600.0
"""Seconds from which on it is said to be late."""
LONGEST = 31 * 86_400.0
"""Seconds that one tells of, and for which those that were left out are named."""


class Digests:
    """Looks at its plans again and again. What was sent is what the outbox holds, so a restart sends nothing twice."""

    def __init__(self, desk: Desk, store: Database, told: Callable[[], None], plans: Sequence[DigestPlan]) -> None:
        self._desk = desk
        self._store = store
        self._told = told
        self._plans = plans
        self._next: dict[int, float | None] = {}
        """Plan -> when it is due next; not there before the first look, None: never."""

    async def run(self) -> None:
        """Look until cancelled; what cannot be read or stored is tried again."""
        while True:
            with contextlib.suppress(StoreError):  # the desk tells of that itself
                await self.look()
            await asyncio.sleep(EVERY)

    async def look(self) -> None:
        """Send what is due now. Errors: StoreError."""
        now = self._desk.now()
        for number, plan in enumerate(self._plans):
            due = self._next.get(number, 0.0)
            if due is None or due > now:
                continue
            at = next(reversed(plan.calendar.between(now - LATE, now)), None)
            try:
                if at is not None:
                    await self._send(plan, at, now)
            except StoreError:
                raise
            except Exception as error:  # noqa: BLE001 - one digest that cannot be reckoned holds up no other
                complain("a digest failed", error)
            self._next[number] = plan.calendar.after(now)

    async def _send(self, plan: DigestPlan, at: float, now: float) -> None:
        called = name(plan)
        last = await self._store.last_notice(called)
        if last is not None and last >= at:
            return
        begins = max(plan.calendar.before(at) or 0.0, at - LONGEST)
        left_out = () if last is None else plan.calendar.between(max(last, at - LONGEST), begins)
        found = await self._desk.report(begins, at, self._agents(plan), left_out)
        said = report(found, _what(plan, at), self._desk.rules, self._desk.currency, plan.calendar.zone)
        body = {"report": packed(_late(said, now - at))}
        rows = [
            Notification(f"{called}:{round(at * 1e6)}:{each}", each, Kind.NOTICE, Severity.INFO, now, body=body)
            for each in self._channels(plan)
        ]
        await self._store.commit(Change(notifications=rows))
        self._told()

    def _agents(self, plan: DigestPlan) -> tuple[str, ...] | None:
        if not plan.agents:
            return None
        agents = self._desk.agents.values()
        return tuple(each.id for each in agents if matches(plan.agents, {**each.labels, "agent": each.id}))

    def _channels(self, plan: DigestPlan) -> tuple[str, ...]:
        if plan.channel in self._desk.plan.channels:
            return (plan.channel,)
        return channels(Severity.WARN, {"rule": "digest"}, self._desk.plan)


def name(plan: DigestPlan) -> str:
    """What a plan's digests are called in the outbox: another plan's are called otherwise."""
    calendar = plan.calendar
    return f"report-{short_id(calendar.line, calendar.zone, plan.channel, sorted(plan.agents))}"


def _what(plan: DigestPlan, at: float) -> str:
    when = dt.datetime.fromtimestamp(at, plan.calendar.zone).strftime("%Y-%m-%d %H:%M")
    whose = "".join(f", {plain(label, 40)} {plain(' or '.join(value.split('|')), 80)}" for label, value in plan.agents)
    return f"Digest {when}{whose}"


def _late(message: Message, by: float) -> Message:
    return message if by < WORTH_A_WORD else replace(message, text=f"{message.text}\nLate by {span(by)}.")
