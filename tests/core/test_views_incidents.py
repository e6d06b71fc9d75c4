from __future__ import annotations

from dataclasses import replace

import pytest

from bot.chat import Message, Tone
from bot.line import BUTTON_BYTES
from bot.platforms.slack import render as slack
from bot.platforms.telegram import render as telegram
from bot.views import card, recovery, said, standing
from bot.views.incidents import places
from bot.views.listing import listing, members
from monitor.alerts.alert import Alert, State
from monitor.alerts.judging import FALSE_ALARM, Judgement
from monitor.alerts.ledger import Decision
from monitor.alerts.silence import Silence
from monitor.model import Agent, Severity
from monitor.rule import discover
from tests.fake_alarms import a_status
from tests.fake_desk import NOW, an_alert

RULES = discover()
ACKED = replace(
    an_alert(), state=State.ACKNOWLEDGED, acknowledged=NOW - 60, acknowledged_by="ana", note="on it", version=2
)
OVER = replace(ACKED, state=State.RESOLVED, resolved=NOW, version=3, clears=1)
HUSH = Silence("5e11ce00", (("rule", "drawdown"),), NOW, NOW + 3_600, "ben", "venue maintenance")
SILENCED = Decision("silenced", "silenced by ben: venue maintenance (5e11ce00)")


def lines(message: Message) -> list[str]:
    return [button.line for button in message.buttons]


def values(message: Message) -> dict[str, str]:
    return {field.label: field.value for field in message.fields}


def dark(number: int, **changes: object) -> list[Alert]:
    alerts = (replace(an_alert(f"agent{each}", "agent_unreachable"), incident="da4c0000") for each in range(number))
    return [
        replace(each, reason=f"{each.agent} does not answer: no route to host", **changes)  # type: ignore[arg-type] # any field
        for each in alerts
    ]


def test_a_card_says_how_bad_who_what_why_and_since_when() -> None:
    alert = an_alert()
    shown = card(a_status(alert), RULES["drawdown"], NOW)
    assert shown.title == "🚨 CRITICAL · alpha · Drawdown over the limit"
    assert shown.text == "alpha is 16.2% below its peak (limit 15.0%), equity 8,380.00"
    assert values(shown) == {"Since": "11:58 UTC (4 m 12 s)", "State": "firing"}
    assert shown.footer == f"alert {alert.id}"
    assert (shown.tone, shown.loud) == (Tone.CRITICAL, True)


def test_the_first_button_of_a_drawdown_is_the_pause() -> None:
    alert = an_alert()
    assert lines(card(a_status(alert), RULES["drawdown"], NOW)) == [
        "pause alpha",
        f"ack {alert.id}",
        f"runbook {alert.id}",
        f"silence {alert.id} 1h from the card",
    ]


def test_the_first_button_of_anything_else_is_the_acknowledgement() -> None:
    alert = an_alert(rule="health_degraded", severity=Severity.WARN, labels=(("check", "venue"),))
    shown = card(a_status(alert), RULES["health_degraded"], NOW)
    assert shown.title == "⚠️ WARN · alpha · Health degraded (venue)"
    assert lines(shown)[0] == f"ack {alert.id}"
    assert not shown.loud


def test_an_acknowledged_card_says_by_whom_and_for_how_long_and_is_quiet() -> None:
    shown = card(a_status(ACKED, lease=NOW + 1_740), RULES["drawdown"], NOW)
    assert values(shown)["State"] == "acknowledged by ana, 12:02 UTC (holds until 12:32)"
    assert values(shown)["Note"] == "on it"
    assert not shown.loud
    asked = card(a_status(ACKED, lease=NOW - 60, asked=NOW), RULES["drawdown"], NOW)
    assert values(asked)["State"] == "acknowledged by ana, 12:02 UTC (asked at 12:03 whether still on it)"


def test_a_second_tap_on_acknowledge_does_not_take_it_back() -> None:
    before, after = (lines(card(a_status(each), RULES["drawdown"], NOW)) for each in (an_alert(), ACKED))
    assert after[-1] == f"unack {ACKED.id}"
    assert not any(line.startswith("ack") for line in after)
    assert not after[before.index(f"ack {ACKED.id}")].startswith("unack")


def test_a_resolved_card_has_no_buttons_and_keeps_who_had_it() -> None:
    shown = card(a_status(OVER), RULES["drawdown"], NOW + 3_600)
    assert shown.title == "✅ resolved · alpha · Drawdown over the limit"
    assert shown.buttons == ()
    assert shown.tone is Tone.OVER
    assert shown.fields[0].value == "11:58 UTC (4 m 12 s)"
    assert values(shown)["Resolved"] == "12:03 UTC, acknowledged by ana, 12:02 UTC, 3 m 12 s after it fired"
    gone = card(a_status(replace(OVER, clears=0, acknowledged=None, acknowledged_by=None)), None, NOW)
    assert gone.title.startswith("closed, no longer watched · ")
    assert values(gone)["Resolved"] == "12:03 UTC, not acknowledged"


def test_a_statistical_card_asks_whether_it_was_real_until_somebody_says_so() -> None:
    alert = an_alert()
    asked = card(replace(a_status(alert), asks=True), RULES["drawdown"], NOW)
    assert lines(asked)[-2:] == [f"real {alert.id}", f"false {alert.id}"]
    over = card(replace(a_status(OVER), asks=True), RULES["drawdown"], NOW)
    assert [each.label for each in over.buttons] == ["Real", "False alarm"]
    said = Judgement(FALSE_ALARM, "ana", NOW - 7, "the feed\x1b[31m\nwas broken" + "!" * 999)
    for status in (replace(a_status(alert), judgement=said), replace(a_status(OVER), judgement=said)):
        answered = card(status, RULES["drawdown"], NOW)
        assert values(answered)["Verdict"].startswith("false alarm, ana, 12:02: the feed was broken!!!")
        assert len(values(answered)["Verdict"]) < 240
        assert not any(line.startswith(("real", "false")) for line in lines(answered))


def test_a_card_of_a_rule_that_is_gone_is_still_a_card() -> None:
    assert card(a_status(an_alert(rule="old_rule")), None, NOW).title == "🚨 CRITICAL · alpha · old_rule"


def test_many_agents_are_one_card_that_names_the_first_few_and_counts_the_rest() -> None:
    status = a_status(*dark(12), labels=(("venue", "binance"),), id="3f9c1a2b")
    shown = card(status, RULES["agent_unreachable"], NOW)
    assert shown.title == "🚨 CRITICAL · 12 agents on binance · Agent unreachable"
    assert shown.text == "agent0 does not answer: no route to host"
    assert values(shown)["agent4"] == "agent4 does not answer: no route to host (firing)"
    assert "agent5" not in values(shown)
    assert values(shown)["and 7 more"] == "/incident 3f9c1a2b lists them"
    assert lines(shown) == [
        "ack 3f9c1a2b",
        "runbook 3f9c1a2b",
        "silence 3f9c1a2b 1h from the card",
        "incident 3f9c1a2b",
    ]


@pytest.mark.parametrize(
    ("labels", "title"),
    [
        ((), "3 agents · Agent unreachable"),
        ((("strategy", "trend"),), "3 agents (strategy trend) · Agent unreachable"),
        ((("venue", "okx"), ("team", "red")), "3 agents on okx (team red) · Agent unreachable"),
    ],
)
def test_what_its_agents_share_is_in_the_title(labels: tuple[tuple[str, str], ...], title: str) -> None:
    shown = card(a_status(*dark(3), labels=labels), RULES["agent_unreachable"], NOW)
    assert shown.title == f"🚨 CRITICAL · {title}"


def test_several_troubles_of_one_agent_are_named_beside_it() -> None:
    checks = [
        an_alert(rule="health_degraded", severity=Severity.WARN, labels=(("check", name),))
        for name in ("venue", "memory")
    ]
    shown = card(a_status(*checks), RULES["health_degraded"], NOW)
    assert shown.title == "⚠️ WARN · alpha · Health degraded (venue, memory)"
    assert {"alpha (venue)", "alpha (memory)"} <= set(values(shown))


def test_agents_in_several_places_are_counted_by_place_most_first() -> None:
    agents = {f"agent{each}": Agent(f"agent{each}", {"venue": "okx" if each < 4 else "kraken"}) for each in range(12)}
    where = places(dark(12), agents, ("venue", "team"))
    assert where == {"venue": {"kraken": 8, "okx": 4}, "team": {}}
    assert values(card(a_status(*dark(12)), None, NOW, where=where))["By venue"] == "kraken 8, okx 4"
    one_place = {"venue": {"okx": 12}}
    assert "By venue" not in values(card(a_status(*dark(12)), None, NOW, where=one_place))


def test_what_is_hidden_and_what_is_over_is_counted() -> None:
    alerts = dark(4)
    hides = {each.id: SILENCED for each in alerts[:2]}
    shown = card(a_status(*alerts, hidden=hides, alerts=10), None, NOW)
    assert values(shown)["Hidden"] == "2: silenced by ben: venue maintenance (5e11ce00)"
    assert values(shown)["Over"] == "6 of 10 alerts"
    first_is_over = card(a_status(*alerts, alerts=10, opened=NOW - 600), None, NOW)
    assert values(first_is_over)["Since"] == "11:53 UTC (10 m)"
    assert values(shown)["agent0"].endswith("(firing, silenced)")
    assert shown.loud
    assert not card(a_status(*alerts, hidden=dict.fromkeys((each.id for each in alerts), SILENCED)), None, NOW).loud


def test_the_desks_own_alert_can_not_be_paused() -> None:
    shown = card(a_status(an_alert("nightdesk", "chat_down", Severity.WARN)), None, NOW, orders=False)
    assert not any(line.startswith("pause") for line in lines(shown))


def test_a_recovery_tells_how_long_it_took_and_who_had_it() -> None:
    told = recovery(a_status(replace(OVER, rule="agent_unreachable")), RULES["agent_unreachable"])
    assert told.title == "✅ alpha answers again after 4 m 12 s"
    assert told.text == "Acknowledged by ana 3 m 12 s after it fired."
    assert told.tone is Tone.GOOD
    assert "Nobody" in recovery(a_status(replace(OVER, acknowledged=None, acknowledged_by=None)), None).text


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("agent_unreachable", "answer again"),
        ("drawdown", "are back within their drawdown limit"),
        ("health_degraded", "pass the check again"),
        ("order_unconfirmed", "do as ordered"),
        ("low_balance", "have enough balance again"),
    ],
)
def test_many_recover_in_the_plural_and_few_are_named(rule: str, said: str) -> None:
    alerts = [replace(each, state=State.RESOLVED, resolved=NOW - 12, clears=1) for each in dark(200)]
    told = recovery(a_status(*alerts, alerts=1_000), RULES[rule])
    assert told.title == f"✅ 1,000 agents {said} after 4 m"
    assert values(told)["Agents"] == "agent0, agent1, agent2, agent3, agent4 and 995 more"


def test_a_line_of_the_time_line_says_how_it_stands_and_the_note() -> None:
    assert said(a_status(ACKED), NOW) == "Acknowledged by ana, 12:02 UTC: on it"
    assert said(a_status(an_alert()), NOW) == "Firing"


def test_everything_found_at_the_first_start_is_one_question() -> None:
    asked = standing([an_alert(), an_alert("beta")], RULES)
    assert asked.title.startswith("2 troubles")
    assert lines(asked) == ["standing accept", "standing keep"]
    many = standing([an_alert(str(number)) for number in range(200)], RULES)
    assert len(many.fields) == 20
    assert "180 more" in many.text


def test_the_list_of_alerts_is_a_line_an_incident_and_says_what_is_held_back() -> None:
    alert = an_alert()
    statuses = [
        a_status(alert, hidden={alert.id: SILENCED}),
        a_status(replace(ACKED, agent="beta")),
        a_status(*dark(3)),
    ]
    shown = listing(statuses, [(alert, SILENCED)], RULES, [HUSH], NOW)
    assert shown.title == "5 open alerts in 3 incidents, 1 hidden"
    assert "hidden: 1: silenced by ben" in shown.fields[0].value
    assert "acknowledged by ana" in shown.fields[1].value
    assert shown.text == "2 incidents not acknowledged."
    assert lines(shown) == [f"ack {alert.id}", "ack da4c0000", "alerts all"]
    assert "venue maintenance" in shown.footer
    assert shown.tables == ()


def test_with_all_each_hidden_alert_has_its_reason() -> None:
    hides = [(each, SILENCED) for each in dark(3)]
    shown = listing([], hides, RULES, [], NOW, every=True)
    assert shown.title == "No open alerts, 3 hidden"
    assert [row[0] for row in shown.tables[0].rows] == [f"agent{each} · Agent unreachable" for each in range(3)]
    assert {row[1:3] for row in shown.tables[0].rows} == {("silenced", SILENCED.reason)}
    assert shown.buttons == ()


def test_a_long_list_has_pages_that_together_show_all_of_it() -> None:
    statuses = [a_status(replace(each, incident=None)) for each in dark(45)]
    found: list[str] = []
    for page in (1, 2, 3):
        shown = listing(statuses, [], RULES, [], NOW, page=page)
        assert shown.text == f"45 alerts not acknowledged. Page {page} of 3, worst first."
        assert len([line for line in lines(shown) if line.startswith("ack ")]) == 5
        found += [field.label for field in shown.fields]
    assert len(set(found)) == 45
    turns = [line for line in lines(listing(statuses, [], RULES, [], NOW, page=2)) if line.startswith("alerts")]
    assert turns == ["alerts 1", "alerts 3"]
    beyond = listing(statuses, [], RULES, [], NOW, page=99)
    assert "Page 3 of 3" in beyond.text


def test_every_agent_of_an_incident_is_named_on_every_chat() -> None:
    status = a_status(*dark(85), labels=(("venue", "binance"),))
    named = 0
    for page, size in ((1, 40), (2, 40), (3, 5)):
        shown = members(status, RULES["agent_unreachable"], NOW, page)
        agents = [row[0] for row in shown.tables[0].rows]
        assert len(agents) == size
        slacks = str(slack.render(shown).attachments)
        told = telegram.told(shown)
        assert told.file is None
        telegrams = "\n".join(each.plain for each in told.pages)
        assert all(f"{agent} " in slacks and f"{agent}" in telegrams for agent in agents)
        named += len(agents)
    assert named == 85
    assert lines(members(status, None, NOW, 2))[:2] == ["incident da4c0000 1", "incident da4c0000 3"]
    assert members(status, None, NOW, 3).footer == "alert da4c0000, page 3 of 3"


def test_the_longest_names_and_reasons_fit_into_a_page_of_an_incident() -> None:
    alerts = [
        replace(an_alert(f"{each:02d}{'x' * 30}", "health_degraded", labels=(("check", "y" * 40),)), reason="z" * 500)
        for each in range(40)
    ]
    shown = members(a_status(*alerts), None, NOW)
    rendered = str(slack.render(shown).attachments)
    assert all(alert.id in rendered for alert in alerts)


@pytest.mark.parametrize("alert", [an_alert(), ACKED, OVER, an_alert("a" * 64), an_alert("é" * 40)])
def test_every_button_fits_into_the_narrowest_chat(alert: Alert) -> None:
    status = a_status(alert)
    for message in (
        card(status, RULES["drawdown"], NOW),
        listing([status], [], RULES, [], NOW),
        members(status, None, NOW),
    ):
        assert all(len(line.encode()) <= BUTTON_BYTES for line in lines(message))
