from __future__ import annotations

from dataclasses import replace

import pytest

from bot.access import Access
from bot.chat import Invocation, Message, MessageRef, Tone
from bot.command import discover
from bot.router import Router
from monitor.alerts.alert import Alert, State
from monitor.alerts.ledger import Decision
from monitor.model import Severity
from monitor.ports import AuditEntry
from tests.fake_desk import ANA, BEN, NOW, OPS, FakeDesk, an_alert

CARD = MessageRef("memory", "room", "77")
OF = "da4c0000"


class Inbox:
    """Every message that is answered is the card of one incident."""

    def __init__(self, alert: str) -> None:
        self.alert = alert

    async def first(self, platform: str, event: str, now: float) -> bool:  # noqa: ARG002 - the shape of the port
        return True

    async def alert_at(self, platform: str, ref: str) -> str | None:  # noqa: ARG002 - the shape of the port
        return self.alert


async def no_audit(_entry: AuditEntry) -> None:
    """Forget it."""


async def say(desk: FakeDesk, line: str, user: str = "1", card: str = "", channel: str | None = None) -> Message:
    """Give a line, in answer to a card if one is named; returns the answer."""
    answers: list[Message] = []

    async def reply(message: Message) -> None:
        answers.append(message)

    router = Router(discover(), Access([ANA, BEN, OPS]), desk, no_audit, inbox=Inbox(card))
    about = CARD if card else None
    await router.handle(Invocation(line, "memory", user, "x", "room", desk.time, about=about, channel=channel), reply)
    return answers[-1]


def dark(number: int) -> list[Alert]:
    return [replace(an_alert(f"agent{each}", "agent_unreachable"), incident=OF) for each in range(number)]


def fleet(number: int) -> FakeDesk:
    return FakeDesk(*(f"agent{each}" for each in range(number)), alerts=dark(number))


def lines(message: Message) -> list[str]:
    return [button.line for button in message.buttons]


async def test_one_acknowledgement_takes_a_whole_incident_by_any_of_its_alerts() -> None:
    desk = fleet(3)
    answer = await say(desk, f"ack {desk.open[2].id} the venue is down")
    assert answer.title == "Acknowledged by ana, 12:03 UTC (holds until 12:33): 3 agents · Agent unreachable"
    assert {each.acknowledged_by for each in desk.open} == {"ana"}
    assert desk.known[OF].note == "the venue is down"
    assert lines(answer)[-1] == f"unack {OF}"


async def test_whoever_acknowledges_again_is_still_on_it() -> None:
    desk = fleet(2)
    await say(desk, f"ack {OF}")
    desk.time += 600
    assert (await say(desk, f"ack {OF}")).title == "Still on it until 12:43 UTC: 2 agents · Agent unreachable"
    other = await say(desk, f"ack {OF}", user="3")
    assert other.title == "Already acknowledged by ana, 12:13 UTC: 2 agents · Agent unreachable"
    assert lines(other)[0] == f"handover {OF} ops"
    assert (await say(desk, lines(other)[0], user="3")).title == "ops has it: 2 agents · Agent unreachable"


@pytest.mark.parametrize("note", ["bad fill", "500 errors at the venue", "dad is calling", "deadbeef is what it logs"])
async def test_an_answer_to_a_card_may_begin_with_a_word_that_could_be_an_id(note: str) -> None:
    desk = FakeDesk(alerts=[an_alert(), an_alert("beta")])
    answer = await say(desk, f"ack {note}", card=desk.open[1].id)
    assert answer.title.startswith("Acknowledged by ana")
    assert [each.note for each in desk.open] == ["", note]


@pytest.mark.parametrize("shape", ["3f9c1a2b", "3f9c", "3F9"])
async def test_an_answer_to_a_card_may_be_about_another_alert(shape: str) -> None:
    desk = FakeDesk(alerts=[replace(an_alert(), id="3f9c1a2b"), an_alert("beta")])
    await say(desk, f"ack {shape} on it", card=desk.open[1].id)
    assert [each.acknowledged_by for each in desk.open] == ["ana", None]


@pytest.mark.parametrize("line", ["false the feed was broken", "False alarm the feed was broken"])
async def test_a_card_is_answered_with_whether_it_was_real(line: str) -> None:
    desk = fleet(2)
    desk.rules = {key: replace(each, statistical=True) for key, each in desk.rules.items()}
    assert (await say(desk, line, card=OF)).title == "Called a false alarm by ana: 2 agents · Agent unreachable"
    assert (desk.said[OF].kind, desk.said[OF].note) == ("false_alarm", "the feed was broken")
    answer = await say(desk, f"real {OF}", user="3")
    assert answer.title == "Called real by ops (until now: false alarm, by ana): 2 agents · Agent unreachable"
    again = await say(desk, f"real {OF}")
    assert again.title == "Already called real by ops, 12:03 UTC: 2 agents · Agent unreachable"
    for word in ("real", "false alarm"):
        assert (await say(desk, word)).title == "Not done"


async def test_the_button_of_a_card_that_is_over_means_its_incident_though_the_id_is_all_figures() -> None:
    over = replace(an_alert(), incident="40417226", state=State.RESOLVED, resolved=NOW)
    desk = FakeDesk(alerts=[over])
    desk.rules = {key: replace(each, statistical=True) for key, each in desk.rules.items()}
    await say(desk, "false 40417226", card="40417226")
    assert desk.said["40417226"].note == ""


async def test_what_is_let_go_is_open_again() -> None:
    desk = fleet(2)
    await say(desk, f"ack {OF}")
    answer = await say(desk, f"unack {OF} bad night")
    assert answer.title == "Open again: 2 agents · Agent unreachable"
    assert all(each.state is State.FIRING for each in desk.open)
    assert (await say(desk, f"unack {OF}")).title == "Not done"
    assert (await say(desk, "unack")).title == "Not done"


async def test_an_incident_is_handed_to_a_person_however_the_name_is_typed() -> None:
    desk = fleet(2)
    assert (await say(desk, "handover @Ops my phone dies", card=OF)).title.startswith("ops has it")
    assert (desk.known[OF].acknowledged_by, desk.known[OF].note) == ("ops", "my phone dies")
    assert (await say(desk, f"handover {OF} ben")).title == "Not done"
    assert (await say(desk, f"handover {OF}")).title == "Not done"


async def test_alerts_list_incidents_and_with_all_what_is_hidden() -> None:
    desk = fleet(3)
    desk.open.append(an_alert("agent0", "health_degraded", Severity.WARN))
    desk.behind = {desk.open[-1].id: Decision("inhibited", f"agent0 has agent_unreachable ({OF}), which explains it")}
    answer = await say(desk, "alerts", user="2")
    assert answer.title == "3 open alerts in 1 incident, 1 hidden"
    assert "alerts all" in lines(answer)
    every = await say(desk, "alerts all", user="2")
    assert every.tables[0].rows[0][2] == f"agent0 has agent_unreachable ({OF}), which explains it"
    for wrong in ("alerts 0", "alerts moon", "alerts all 1 2", "alerts 1 all"):
        assert (await say(desk, wrong)).title == "Not done"


async def test_every_alert_of_an_incident_is_named_page_by_page() -> None:
    desk, found = fleet(100), []
    answer = await say(desk, f"incident {OF[:4]}", user="2")
    while True:
        found += [row[0] for row in answer.tables[0].rows]
        following = [button.line for button in answer.buttons if button.label == "Next"]
        if not following:
            break
        answer = await say(desk, following[0], user="2")
    assert sorted(found) == sorted(desk.agents)
    assert (await say(desk, "incident")).title == "Not done"


async def test_why_tells_each_decision_in_order_and_how_long_it_took() -> None:
    desk = FakeDesk(alerts=[an_alert()])
    answer = await say(desk, f"why {desk.open[0].id}", user="2")
    assert answer.title == "Why · alpha · Drawdown over the limit"
    assert answer.text.splitlines()[1] == "11:58:49 paged by nightdesk: to memory"
    told = {field.label: field.value for field in answer.fields}
    assert told["Told"] == "1.2 s after it fired"
    assert told["Recovered"] == "not yet, after 4 m 12 s (the goal is 5 m)"
    assert (await say(desk, "why")).title == "Not done"


async def test_a_silence_of_one_alert_is_about_its_trouble() -> None:
    desk = FakeDesk(alerts=[an_alert(), an_alert("beta")])
    await say(desk, f"silence {desk.open[1].id} 1h known", channel="memory")
    assert desk.held[0].matchers == (("alert", desk.open[1].fingerprint),)
    assert desk.heard == ["memory"]
    await say(desk, "silence 1h known", card=desk.open[0].id)
    assert desk.held[1].matchers == (("alert", desk.open[0].fingerprint),)
    assert desk.heard[1] is None


async def test_the_silence_button_of_many_is_about_all_of_them() -> None:
    desk = fleet(3)
    answer = await say(desk, f"silence {OF} 1h from the card")
    assert desk.held[0].matchers == (("rule", "agent_unreachable"), ("agent", "agent0|agent1|agent2"))
    assert len(desk.covered(desk.held[0])) == 3
    assert answer.title == "Silenced until 13:03 UTC: rule agent_unreachable, agent agent0 or agent1 or agent2"
    await say(desk, f"silence {desk.open[1].id} 1h only this one")
    assert desk.held[1].matchers == (("alert", desk.open[1].fingerprint),)


async def test_a_silence_of_very_many_is_about_their_rule_and_place() -> None:
    desk = fleet(60)
    desk.known[OF] = replace(desk.incidents()[0].incident, labels=(("venue", "sim"),))
    await say(desk, f"silence {OF} 1h from the card")
    assert desk.held[0].matchers == (("rule", "agent_unreachable"), ("venue", "sim"))
    assert len(desk.covered(desk.held[0])) == 60


@pytest.mark.parametrize(
    ("words", "matchers"),
    [
        ("rule=drawdown", (("rule", "drawdown"),)),
        ("rule=draw-down", None),
        ("rule=hard-loss|drawdown venue=sim", (("rule", "hard_loss|drawdown"), ("venue", "sim"))),
        ("agent=al", (("agent", "alpha"),)),
        ("agent=nightdesk rule=chat_down", (("agent", "nightdesk"), ("rule", "chat_down"))),
        ("check=venue agent=alpha|beta", (("check", "venue"), ("agent", "alpha|beta"))),
    ],
)
async def test_a_silence_is_about_whatever_fits(words: str, matchers: tuple[tuple[str, str], ...] | None) -> None:
    desk = FakeDesk(alerts=[an_alert()])
    await say(desk, f"silence {words} 2h venue maintenance")
    assert [each.matchers for each in desk.held] == ([] if matchers is None else [matchers])


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ("rule=drawdwon", "did you mean drawdown?"),
        ("agent=alhpa", "did you mean alpha?"),
        ("agent=zzz", "alpha, beta"),
        ("agent=", "alpha, beta"),
        ("venue=smi", "did you mean sim?"),
        ("veneu=sim", "did you mean venue?"),
        ("team=red", 'No agent has a label "team": there is agent, alert, check, rule, venue.'),
        ("=x", "No agent has a label"),
        ("venue=sim venue=sim", "given twice"),
        ("alert=00000000", "There is no open alert"),
        ("venue=sim|", "No agent has venue"),
        ("check=", 'No agent has check "": there is none.'),
    ],
)
async def test_a_silence_of_something_that_is_not_there_is_refused_with_what_there_is(words: str, hint: str) -> None:
    desk = FakeDesk(alerts=[an_alert()])
    answer = await say(desk, f"silence {words} 2h maintenance")
    assert answer.title == "Not done"
    assert hint in answer.text
    assert desk.held == []


@pytest.mark.parametrize("words", ["", "rule=drawdown", "rule=drawdown 2h", "rule=drawdown soon please", "1h why"])
async def test_a_silence_needs_something_a_duration_and_a_reason(words: str) -> None:
    desk = FakeDesk(alerts=[an_alert()])
    assert (await say(desk, f"silence {words}")).title == "Not done"
    assert desk.held == []


async def test_silences_are_listed_with_what_they_cover_and_ended_by_a_button() -> None:
    desk = FakeDesk(alerts=[an_alert(), an_alert("beta")])
    assert (await say(desk, "silences", user="2")).title == "Nothing is silenced"
    await say(desk, "silence venue=sim 1h maintenance")
    shown = await say(desk, "silences", user="2")
    assert shown.fields[0].label == "venue sim · until 13:03 UTC (1 h)"
    assert "the silence of ana: maintenance" in shown.fields[0].value
    assert "covers 2 open alerts: alpha · Drawdown over the limit, beta · " in shown.fields[0].value
    answer = await say(desk, lines(shown)[0])
    assert answer.title == "Ended: venue sim"
    assert answer.text == "2 alerts of it still open: told again unless somebody has it in hand."
    assert desk.held == []
    assert (await say(desk, "unsilence 5")).title == "Not done"
    assert (await say(desk, "unsilence")).title == "Not done"


async def test_a_deploy_is_announced_and_says_what_it_hides() -> None:
    desk = FakeDesk()
    answer = await say(desk, "deploy al 5m version 2.1")
    assert answer.title == "Deploy of alpha announced until 12:08 UTC"
    hides = (
        "agent unreachable, health degraded, strategy stalled, data feed stale, ticks without deciding, equity stale"
    )
    assert f"{hides}, order not obeyed" in answer.text
    assert lines(answer) == [f"unsilence {desk.held[0].id}"]
    assert (desk.held[0].kind, desk.held[0].reason) == ("deploy", "version 2.1")
    assert (await say(desk, "deploy alpha")).title == "Not done"
    assert (await say(desk, "deploy nobody 5m")).title == "Not done"


async def test_a_drill_is_one_at_a_time() -> None:
    desk = FakeDesk()
    assert (await say(desk, "drill")).title == "A test page is on its way through every channel"
    assert (await say(desk, "drill")).title == "Not done"


async def test_an_order_in_answer_to_a_card_of_many_agents_asks_which() -> None:
    desk = fleet(3)
    answer = await say(desk, "pause", card=OF)
    assert "about 3 agents: say which one" in answer.text
    assert desk.orders == []


async def test_a_runbook_of_an_incident_whose_first_alert_is_over_is_about_one_that_stands() -> None:
    desk = fleet(3)
    desk.open[0] = replace(desk.open[0], state=State.RESOLVED, resolved=NOW)
    answer = await say(desk, f"runbook {OF}")
    assert answer.title == "Runbook · agent1 · Agent unreachable"
    assert answer.tone is Tone.WARN
