from __future__ import annotations

from dataclasses import replace

import pytest

from bot import cards
from bot.chat import Mention, Message, Tone
from monitor.alerts.alert import Alert, Kind, Notification, State
from monitor.alerts.ledger import Decision
from monitor.alerts.silence import Silence
from monitor.model import Severity
from tests.fake_desk import ANA, BEN, NOW, OPS, FakeDesk, an_alert

PEOPLE = {person.name: person for person in (ANA, BEN, OPS)}
OF = "da4c0000"
HUSH = Silence("5e11ce00", (("rule", "drawdown"),), NOW - 3_300, NOW + 300, "ana", "known")


def dark(number: int) -> list[Alert]:
    return [replace(an_alert(f"agent{each}", "agent_unreachable"), incident=OF) for each in range(number)]


def a_desk(number: int = 12) -> FakeDesk:
    return FakeDesk(*(f"agent{each}" for each in range(number)), alerts=dark(number))


async def drawn(desk: FakeDesk, kind: Kind, channel: str = "memory", /, **body: object) -> Message | None:
    row = Notification("k", channel, kind, Severity.CRITICAL, NOW, alert=OF, body=body)
    return await cards.draw(desk, PEOPLE, row)


async def told(desk: FakeDesk, kind: Kind, channel: str = "memory", /, **body: object) -> Message:
    message = await drawn(desk, kind, channel, **body)
    assert message is not None
    return message


def lines(message: Message) -> list[str]:
    return [button.line for button in message.buttons]


def values(message: Message) -> dict[str, str]:
    return {field.label: field.value for field in message.fields}


async def held(desk: FakeDesk, by: str = "ana", **changes: object) -> FakeDesk:
    await desk.acknowledge(OF, by, "on it")
    desk.known[OF] = replace(desk.known[OF], **changes)  # type: ignore[arg-type] # the fields of one test
    return desk


def over(desk: FakeDesk) -> FakeDesk:
    desk.open = [replace(each, state=State.RESOLVED, resolved=NOW, clears=1) for each in desk.open]
    return desk


async def test_a_page_is_the_card_and_calls_people_by_the_ids_of_its_platform() -> None:
    desk = a_desk()
    page = await told(desk, Kind.PAGE, "memory:-100123", whom=["ana", "zoe"])
    assert page.title == "🚨 CRITICAL · 12 agents · Agent unreachable"
    assert page.mentions == (Mention("ana", "1"), Mention("zoe", None))
    assert (await told(desk, Kind.PAGE, "phone", whom=["ana"])).mentions == (Mention("ana", None),)
    assert (await told(desk, Kind.UPDATE)).mentions == ()


async def test_a_page_that_comes_late_because_something_hid_it_says_so() -> None:
    page = await told(a_desk(), Kind.PAGE, why="until now silenced: by ana")
    assert values(page)["Why now"] == "until now silenced: by ana"


async def test_a_page_of_what_somebody_has_in_hand_by_now_calls_nobody() -> None:
    page = await told(await held(a_desk()), Kind.PAGE, whom=["ana"])
    assert (page.mentions, page.loud) == ((), False)


async def test_a_card_counts_its_places_and_offers_a_pause_only_where_one_is_taken() -> None:
    desk = a_desk()
    desk.agents = {**desk.agents, "agent0": replace(desk.agents["agent0"], labels={"venue": "okx"})}
    assert values(await told(desk, Kind.UPDATE))["By venue"] == "sim 11, okx 1"
    own = FakeDesk(alerts=[replace(an_alert("nightdesk", "chat_down"), id=OF)])
    shown = await told(own, Kind.PAGE)
    assert shown.title.startswith("🚨 CRITICAL · nightdesk · Chat in trouble")
    assert not any(line.startswith("pause") for line in lines(shown))


@pytest.mark.parametrize(
    ("body", "title", "field"),
    [
        ({"what": "step", "step": 2}, "Still not acknowledged, 4 m after its page", ("Step", "2")),
        ({"what": "more", "more": 7}, "7 more agents", ("New", "agent0, agent1, agent2, agent3, agent4 and 2 more")),
        ({"what": "more", "more": 1}, "1 more agent", ("New", "agent0")),
        (
            {"what": "silence", "why": "the silence of ana has ended"},
            "The silence of ana has ended and it still stands",
            ("Since", "11:58 UTC (4 m 12 s)"),
        ),
        (
            {"what": "lapsed", "why": "ben did not say to be still on it"},
            "ben did not say to be still on it: it is open again",
            ("Called", "ana, ben"),
        ),
    ],
)
async def test_what_is_told_again_shouts_why_and_whom_it_calls(
    body: dict[str, object], title: str, field: tuple[str, str]
) -> None:
    said = await told(a_desk(), Kind.AGAIN, **body, whom=["ana", "ben"])
    assert said.title == f"🚨 {title}: 12 agents · Agent unreachable"
    assert field in values(said).items()
    assert (said.loud, said.tone) == (True, Tone.CRITICAL)
    assert [each.name for each in said.mentions] == ["ana", "ben"]
    assert lines(said) == [f"ack {OF}", f"runbook {OF}", f"incident {OF}"]


async def test_what_fails_over_is_the_page_with_the_reason_why_it_comes_here() -> None:
    said = await told(a_desk(), Kind.AGAIN, what="failover", why="telegram took nothing within 60 s", whom=["ana"])
    assert said.title == "🚨 CRITICAL · 12 agents · Agent unreachable"
    assert values(said)["Why here"] == "telegram took nothing within 60 s"
    assert said.loud


async def test_whoever_has_it_is_asked_and_answers_with_one_tap() -> None:
    said = await told(await held(a_desk(), asked=NOW), Kind.AGAIN, what="ask", whom=["ana"])
    assert said.title == "🚨 Still on it, ana? 12 agents · Agent unreachable"
    assert "within 5 m" in said.text
    assert lines(said) == [f"ack {OF}", f"unack {OF}", f"runbook {OF}"]
    assert said.mentions == (Mention("ana", "1"),)


async def test_whoever_is_given_it_is_called() -> None:
    said = await told(await held(a_desk(), "ops"), Kind.AGAIN, what="handover", why="ana hands it over", whom=["ops"])
    assert said.title == "🚨 ana hands it over to ops: 12 agents · Agent unreachable"
    assert said.mentions == (Mention("ops", "3"),)
    assert values(said)["Note"] == "on it"


@pytest.mark.parametrize(
    "body",
    [
        {"what": "step"},
        {"what": "more", "more": 3},
        {"what": "silence"},
        {"what": "lapsed"},
        {"what": "ask", "whom": ["ana"]},
        {"what": "handover", "whom": ["ben"]},
    ],
)
async def test_what_is_no_longer_so_when_it_is_sent_says_how_it_stands_and_calls_nobody(
    body: dict[str, object],
) -> None:
    desk = await held(a_desk())
    said = await told(desk, Kind.AGAIN, **{"whom": ["ana"], **body})
    assert said.title.startswith("Acknowledged by ana, 12:03 UTC (holds until 12:33): 12 agents")
    assert (said.loud, said.mentions, said.tone) == (False, (), Tone.PLAIN)
    assert f"ack {OF}" not in lines(said)


async def test_what_is_over_is_not_told_again_but_its_recovery_is() -> None:
    desk = over(a_desk())
    for what in ("step", "more", "silence", "lapsed", "ask", "failover", "handover"):
        assert await drawn(desk, Kind.AGAIN, what=what, whom=["ana"]) is None
    assert (await told(desk, Kind.RECOVERY)).title == "✅ 12 agents answer again after 4 m 12 s"
    assert (await told(desk, Kind.UPDATE)).title.startswith("✅ resolved · 12 agents")


async def test_what_is_told_again_of_a_warning_is_not_loud() -> None:
    desk = FakeDesk(alerts=[replace(an_alert(rule="health_degraded", severity=Severity.WARN), id=OF)])
    assert not (await told(desk, Kind.AGAIN, what="step")).loud


async def test_a_time_line_is_a_line_and_an_unknown_incident_is_nothing() -> None:
    assert (await told(await held(a_desk()), Kind.LINE)).title.endswith(": on it")
    assert await drawn(FakeDesk(), Kind.PAGE) is None


async def notice(desk: FakeDesk, **body: object) -> Message | None:
    row = Notification("k", "memory", Kind.NOTICE, Severity.WARN, NOW, body=body)
    return await cards.draw(desk, PEOPLE, row)


async def test_a_start_says_how_long_nobody_watched_and_what_is_open() -> None:
    desk = FakeDesk(alerts=[an_alert(), an_alert("beta")])
    (row,) = cards.still_open(desk, ("memory",), 720.0)
    said = await cards.draw(desk, PEOPLE, row)
    assert said is not None
    assert said.title == "The desk watches again after 12 m away: 2 open alerts"
    assert len(said.fields) == 2
    (row,) = cards.still_open(desk, ("memory",), None)
    unknown = await cards.draw(desk, PEOPLE, row)
    assert unknown is not None
    assert unknown.title == "The desk watches again: 2 open alerts"


@pytest.mark.parametrize(("away", "rows"), [(None, 0), (5.0, 0), (60.0, 0), (720.0, 2)])
async def test_a_start_with_nothing_open_is_told_only_after_a_while(away: float | None, rows: int) -> None:
    made = cards.still_open(FakeDesk(), ("memory", "memory:7"), away)
    assert [each.platform for each in made] == ["memory", "memory:7"][:rows]
    for row in made:
        said = await cards.draw(FakeDesk(), PEOPLE, row)
        assert said is not None
        assert said.title == "The desk watches again after 12 m away: no open alerts"


async def test_a_start_whose_alerts_are_over_by_now_says_nothing() -> None:
    (row,) = cards.still_open(a_desk(), ("memory",), 5.0)
    assert await cards.draw(over(a_desk()), PEOPLE, row) is None


async def test_silences_are_told_as_they_begin_and_before_they_end() -> None:
    desk = FakeDesk(alerts=[an_alert(), an_alert("beta")])
    desk.held = [HUSH]
    begun = await notice(desk, silence=HUSH.id, what="begun")
    assert begun is not None
    assert begun.title == "ana silenced rule drawdown until 12:08 UTC"
    assert begun.text.startswith("Covers 2 open alerts: alpha · Drawdown over the limit")
    assert lines(begun) == [f"unsilence {HUSH.id}"]
    ending = await notice(desk, silence=HUSH.id, what="ending")
    assert ending is not None
    assert ending.title == "In 5 m the silence of ana ends: rule drawdown"
    desk.held = []
    assert await notice(desk, silence=HUSH.id, what="begun") is None
    assert await notice(desk, silence=HUSH.id, what="ending") is None


async def test_the_end_of_a_silence_is_told_from_what_the_message_itself_knows() -> None:
    known = {"matchers": [["rule", "drawdown"]], "by": "ana", "reason": "known", "kind": "silence"}
    said = await notice(FakeDesk(), silence=HUSH.id, what="ended", **known)
    assert said is not None
    assert said.title == "The silence of ana has ended: rule drawdown"
    assert said.text == "Nothing that it covered stands."
    assert said.buttons == ()
    bare = await notice(FakeDesk(), silence=HUSH.id, what="ended")
    assert bare is not None
    assert bare.title == "A silence has ended"


@pytest.mark.parametrize(
    ("kind", "title"),
    [
        ("deploy", "ana announced a deploy of alpha until 12:08 UTC"),
        ("maintenance", "Maintenance ana until 12:08 UTC: agent alpha, rule strategy_stalled or agent_unreachable"),
    ],
)
async def test_a_deploy_and_a_maintenance_are_told_as_such(kind: str, title: str) -> None:
    desk = FakeDesk()
    fits = (("agent", "alpha"), ("rule", "strategy_stalled|agent_unreachable"))
    desk.held = [replace(HUSH, kind=kind, matchers=fits)]
    said = await notice(desk, silence=HUSH.id, what="begun")
    assert said is not None
    assert said.title.startswith(title)


async def test_a_trouble_that_comes_and_goes_is_told_once_with_how_long_it_is_quiet_now() -> None:
    desk = FakeDesk(alerts=[an_alert()])
    said = await notice(desk, flapping=desk.open[0].id, times=4)
    assert said is not None
    assert said.title == "🚨 alpha · Drawdown over the limit comes and goes"
    assert said.text == (
        "It opened 4 times within 30 m. Nobody is told of it again until it has kept one state for 10 m."
    )
    assert lines(said) == [f"runbook {desk.open[0].id}", f"why {desk.open[0].id}"]
    assert await notice(desk, flapping="0000aaaa", times=4) is None


async def test_other_notices_say_what_they_hold() -> None:
    desk = FakeDesk(alerts=[replace(an_alert(), standing=True)])
    standing = await notice(desk, standing=[desk.open[0].id])
    assert standing is not None
    assert lines(standing) == ["standing accept", "standing keep"]
    assert await notice(desk, title="telegram is in trouble", text="It does not answer.") == Message(
        "telegram is in trouble", "It does not answer.", tone=Tone.WARN
    )
    assert await notice(desk) is None


async def test_a_card_that_is_hidden_as_a_whole_is_not_loud() -> None:
    desk = a_desk(2)
    desk.behind = {each.id: Decision("silenced", "silenced by ana: known (5e11ce00)") for each in desk.open}
    card = await told(desk, Kind.UPDATE)
    assert values(card)["Hidden"] == "2: silenced by ana: known (5e11ce00)"
    assert not card.loud
