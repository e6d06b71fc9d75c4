"""`/report` reads its period by the clock on the wall, and fits into one message of each chat, whatever is in it."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from bot.chat import Message, Tone
from bot.command import UsageError
from bot.commands.report import period
from bot.platforms.slack.render import render
from bot.platforms.telegram.render import card
from bot.views.report import packed, report, unpacked
from monitor.alerts.alert import AlertEvent, State
from monitor.alerts.judging import FALSE_ALARM, REAL
from monitor.digest import Account, Digest, Facts, digest, walk
from monitor.model import Agent, Side, Trade
from monitor.rule import discover
from monitor.series import EquityCurve
from tests.core.test_commands_alerts import say
from tests.fake_alarms import an_incident
from tests.fake_desk import NOW, FakeDesk, a_trade, an_alert

BERLIN = ZoneInfo("Europe/Berlin")
DAY = 86_400.0
NASTY = "<b>*_`@everyone` \x1b[31m\u202e" + "long name " * 30


def at(text: str) -> float:
    return dt.datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp()


def crowded(many: int = 40) -> Digest:
    """A digest in which every part has more than is shown, with names as bad as they come."""
    trades = [
        Trade(
            f"agent{each}", f"{NASTY}{each}", f"{each}{NASTY}", f"{each}{NASTY}", Side.LONG, Decimal(10**9), Decimal(1),
            Decimal(each) / 7, NOW - 60, NOW - 30, paper=bool(each % 2),
        )
        for each in range(many)
    ]  # fmt: skip
    steps = ((NOW - 600, 10_000_000_000.0), (NOW - 300, 8_765_432_109.87))
    walks = [
        walk(Account(Agent(f"agent{each}" * 4), bool(each % 2), EquityCurve(), steps), NOW - DAY, NOW)
        for each in range(many)
    ]
    alerts = [
        replace(an_alert(f"agent{each}", rule), incident=f"{number:04d}{each:04d}", reason=NASTY)
        for number, rule in enumerate([*discover(), *(f"gone{each}" for each in range(20))])
        for each in range(3)
    ]
    incidents = [
        an_incident(replace(each, state=State.FIRING), id=each.incident, acknowledged_by=NASTY) for each in alerts
    ]
    said = [
        AlertEvent(each.id, 2, NOW - 5, REAL if number % 2 else FALSE_ALARM, NASTY)
        for number, each in enumerate(incidents)
    ]
    found = Facts(
        NOW - DAY, NOW, trades, walks, alerts, incidents, events=said, statistical={*discover()}, false_pages=1e9
    )
    return digest(found, tuple(NOW - each for each in range(99)))


def view(found: Digest) -> Message:
    return report(found, "Last 24 h", discover(), "USD", BERLIN)


def test_a_day_with_more_of_everything_than_is_shown_fits_into_one_message_of_each_chat() -> None:
    message = view(crowded())
    page, said = card(message), render(message)
    assert len(page.plain) <= 4_096
    for text in (page.plain, str(said.whole), said.bare):
        assert not re.search(r"\+[0-9,]+ more", text)  # nothing is cut
        assert "Noise: share of the pages" in text
        assert "\x1b" not in text
        assert "\u202e" not in text
    _, left_out, near, rest = message.text.splitlines()
    assert left_out.startswith("99 digests before this never sent: 2025-11-25 13:03 CET, ")
    assert left_out.endswith(" and 96 more.")
    assert near == "40 drawdowns at 60% of the limit or beyond."
    assert rest.startswith("Not shown one by one: 15 strategies, 15 paper strategies, 15 agents, 15 paper agents, ")


async def test_without_words_it_tells_of_the_last_24_hours_of_everything() -> None:
    desk = FakeDesk(trades=[a_trade(2, "10"), a_trade(3, "-5", "mean", "beta"), a_trade(30, "99")])
    answer = await say(desk, "/report", user="2")
    assert answer.title == "Last 24 h: +4.80 USD net, 0 pages"
    assert answer.tables[0].rows == (
        ("trend", "+9.90", "1", "100%"),
        ("mean", "-5.10", "1", "0%"),
        ("total", "+4.80", "2", "50%"),
    )
    told = {each.label: each.value for each in answer.fields}
    assert told["Best"] == "strategy trend +9.90, trade 2 of alpha (BTC) +9.90"
    assert told["Worst"] == "strategy mean -5.10, trade 3 of beta (BTC) -5.10"


async def test_a_period_and_an_agent_choose_what_it_tells_of() -> None:
    desk = FakeDesk(trades=[a_trade(2, "10"), a_trade(3, "-5", "mean", "beta"), a_trade(30, "99")])
    assert (await say(desk, "/report 7d al")).title.startswith("alpha, last 7 d: +108.80 USD net")
    assert (await say(desk, "/report beta")).title.startswith("beta, last 24 h: -5.10 USD net")
    assert (await say(desk, "/report today alpha")).title.startswith("alpha, today: +9.90 USD net")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("/report fortnight", "is no period and no agent"),
        ("/report 7", "is no period and no agent"),
        ("/report 7d gamma", "There is no agent"),
        ("/report 32d", "31 days at most"),
        ("/report 7d alpha beta", "more than one period and one agent"),
    ],
)
async def test_what_it_cannot_read_is_said_in_a_sentence(line: str, said: str) -> None:
    answer = await say(FakeDesk(), line)
    assert said in f"{answer.title} {answer.text}"


def test_days_are_those_of_the_clock_on_the_wall_also_when_it_changes() -> None:
    now = at("2026-10-25T12:00")
    assert period("today", now, BERLIN) == (at("2026-10-25T00:00"), now, "Today")
    assert period("yesterday", now + DAY, BERLIN) == (at("2026-10-25T00:00"), at("2026-10-26T00:00"), "Yesterday")
    assert at("2026-10-26T00:00") - at("2026-10-25T00:00") == 25 * 3_600.0
    assert period("24h", now, BERLIN) == (now - DAY, now, "Last 1 d")
    assert period("alpha", now, BERLIN) is None
    with pytest.raises(UsageError):
        period("0s", now, BERLIN)


def test_pages_that_nobody_took_have_no_time_to_react() -> None:
    alert = replace(an_alert(), incident="da4c0000")
    found = digest(Facts(NOW - DAY, NOW, alerts=[alert], incidents=[an_incident(alert)]))
    told = {each.label: each.value for each in view(found).fields}
    assert told["Acknowledged"] == "n/a (0 of 1 page)"
    assert told["Open at the end"] == "🚨 CRITICAL · alpha · Drawdown over the limit, nobody has it (da4c0000)"


def test_statistical_pages_stand_beside_their_budget_and_each_rule_has_its_answers() -> None:
    told = [
        replace(an_alert(f"agent{each}", rule), incident=f"da4c000{each}", fired=NOW - 60, paged=NOW - 60)
        for each, rule in enumerate(("low_balance", "stale_feed", "stale_feed", "stale_feed", "drawdown"))
    ]
    said = [AlertEvent(told[each].incident or "", 2, NOW, kind, "ana") for each, kind in ((1, REAL), (2, FALSE_ALARM))]
    incidents = [an_incident(each) for each in told]
    day = Facts(
        NOW - DAY, NOW, alerts=told, incidents=incidents, events=said, statistical={"low_balance", "stale_feed"}
    )
    rules = discover()

    def shown(of: Facts) -> str:
        fields = report(digest(of), "Last 24 h", rules, "USD", BERLIN).fields
        return next((each.value for each in fields if each.label == "Statistical pages"), "")

    assert shown(replace(day, false_pages=7.0)) == "4 in 1 d, budget 1, answered: 1 real, 1 false alarm"
    assert shown(day).startswith("4 in 1 d, no budget, ")
    assert shown(Facts(NOW - DAY, NOW, false_pages=0.5)) == "0 in 1 d, budget 0.0714, answered: none"
    assert shown(Facts(NOW - DAY, NOW)) == ""
    (table,) = report(digest(day), "Last 24 h", rules, "USD", BERLIN).tables
    assert {row[0]: (row[2], row[-1]) for row in table.rows} == {
        "Data feed stale": ("3", "33%, 1 real, 1 false"),
        "Balance low": ("1", "0%"),
        "Drawdown over the limit": ("1", "0%"),
    }


def test_a_quiet_day_says_so_and_calls_for_nothing() -> None:
    message = view(digest(Facts(NOW - DAY, NOW)))
    assert (message.title, message.tone, message.fields, message.tables) == (
        "Last 24 h: no trades, 0 pages",
        Tone.PLAIN,
        (),
        (),
    )


def test_a_digest_out_of_the_outbox_says_what_was_put_in() -> None:
    message = view(crowded(3))
    assert unpacked(packed(message)) == message
