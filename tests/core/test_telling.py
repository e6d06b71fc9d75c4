"""Who is told of what and when, as transcripts of the core on a clock that the test turns."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from monitor.alerts import lifecycle
from monitor.alerts.alert import Kind, State
from monitor.alerts.plan import Inhibition, Maintenance, Plan, Policy, Quiet, Rotation, Route, Step
from monitor.model import Severity, Verdict
from tests.core.core import CHATS, T0, Core, quick

WEEKLY = Rotation("primary", ("ana", "ben"), "weekly", dt.time(9), ZoneInfo("Europe/Berlin"), dt.date(2026, 9, 21))
PEOPLE = {"ana": "admin", "ben": "operator", "vic": "viewer"}


def storm(many: int, venues: int = 10) -> tuple[list[str], dict[str, dict[str, str]]]:
    names = [f"agent-{number:04}" for number in range(many)]
    return names, {name: {"venue": f"v{number % venues}"} for number, name in enumerate(names)}


def find_all(core: Core, names: list[str], verdict: Verdict = Verdict.BREACH) -> None:
    board = core.board()
    for name in names:
        board.find(core.finding(name, "agent_unreachable", verdict), lifecycle.Policy())
    core.end(board)


def test_a_page_waits_a_moment_for_others_of_the_same_cause() -> None:
    core = Core(quick(group_wait=5.0), {"alpha": {"venue": "x"}, "beta": {"venue": "x"}})
    core.find("alpha", "drawdown")
    core.wait(3)
    core.find("beta", "drawdown")
    assert core.pages() == []
    core.wait(2)
    (page,) = core.pages()
    assert page.created == T0 + 5
    assert core.incident("alpha", "drawdown") == core.incident("beta", "drawdown")
    assert core.kinds(core.alert("beta", "drawdown").id)[-1] == "grouped"


def test_the_same_trouble_in_another_place_is_another_page() -> None:
    core = Core(quick(), {"alpha": {"venue": "x"}, "beta": {"venue": "y"}})
    core.find("alpha", "drawdown")
    core.find("beta", "drawdown")
    assert len(core.pages()) == 2


def test_a_thousand_agents_that_go_dark_at_once_are_one_page_and_one_recovery() -> None:
    names, places = storm(1_000)
    core = Core(quick(group_wait=5.0), places)
    find_all(core, names)
    core.wait(60)
    (incident,) = core.ledger.incidents.values()
    assert (incident.alerts, incident.labels) == (1_000, ())
    kinds = Counter(each.kind for each in core.told.values() if each.platform == "telegram")
    assert kinds == {Kind.PAGE: 1}
    assert all(each.paged is not None for each in core.ledger.alerts.values())
    find_all(core, names, Verdict.CLEAR)
    kinds = Counter(each.kind for each in core.told.values() if each.platform == "telegram")
    assert kinds == {Kind.PAGE: 1, Kind.UPDATE: 1, Kind.RECOVERY: 1}
    assert core.ledger.incidents == {}


def test_those_that_follow_within_half_a_minute_are_told_in_one_more_message() -> None:
    names, places = storm(300)
    core = Core(quick(group_wait=5.0), places)
    for number in range(0, 300, 10):
        find_all(core, names[number : number + 10])
        core.wait(1)
    core.wait(30)
    assert len(core.pages()) == 1
    assert core.again() == [(35.0, "more")]
    edits = core.of(kind=Kind.UPDATE, platform="telegram")
    assert 1 <= len(edits) <= 60 / 5
    assert all(each.paged is not None for each in core.ledger.alerts.values())


def test_what_somebody_has_in_hand_takes_no_more_alerts() -> None:
    core = Core(quick(), {"alpha": {"venue": "x"}, "beta": {"venue": "x"}})
    core.find("alpha", "drawdown")
    core.acknowledge(core.incident("alpha", "drawdown"))
    core.find("beta", "drawdown")
    assert len(core.pages()) == 2
    assert core.alert("beta", "drawdown").state is State.FIRING


def test_the_steps_of_a_policy_come_at_their_times_across_a_restart() -> None:
    steps = (Step(0.0), Step(300.0), Step(900.0, ("all",), ("slack",)))
    plan = quick(policies=(Policy("night", steps, repeat=600.0),), rotations=(WEEKLY,), people=PEOPLE)
    core = Core(plan)
    core.find("alpha", "drawdown")
    on_duty = core.pages()[0].body["whom"]
    assert on_duty in (["ana"], ["ben"])
    core.wait(400)
    core.ledger = core.restart()
    core.wait(2_000)
    rows = [each for each in core.told.values() if each.kind is Kind.AGAIN]
    told = [(each.created - T0, each.platform, each.body["whom"]) for each in rows]
    everybody = ["ana", "ben"]
    assert told == [
        (300.0, "telegram", on_duty),
        (300.0, "slack", on_duty),
        (900.0, "slack", everybody),
        (1500.0, "slack", everybody),
        (2100.0, "slack", everybody),
    ]
    core.acknowledge(core.incident("alpha", "drawdown"), "ben")
    core.wait(1_799)
    assert len(core.of(kind=Kind.AGAIN)) == len(rows)


def test_a_lapsed_lease_asks_once_and_then_begins_anew() -> None:
    core = Core(quick(people=PEOPLE))
    core.find("alpha", "drawdown")
    core.wait(60)
    core.acknowledge(core.incident("alpha", "drawdown"))
    core.ledger = core.restart()
    core.wait(1_800 + 300 + 300)
    assert core.again() == [(1860.0, "ask"), (2160.0, "lapsed"), (2460.0, "step")]
    assert core.of(kind=Kind.AGAIN)[0].body["whom"] == ["ana"]
    alert = core.alert("alpha", "drawdown")
    assert (alert.state, alert.acknowledged_by) == (State.FIRING, None)
    assert {"asked", "lapsed", "escalated"} <= {each.kind for each in core.events}


def test_whoever_says_to_be_still_on_it_has_it_for_another_lease() -> None:
    core = Core(quick())
    core.find("alpha", "drawdown")
    core.acknowledge(core.incident("alpha", "drawdown"))
    core.wait(1_900)
    assert core.acknowledge(core.incident("alpha", "drawdown")) == (True, True)
    core.wait(1_799)
    assert core.again() == [(1800.0, "ask")]
    assert core.acknowledge(core.incident("alpha", "drawdown"), "ben") == (False, False)


def test_an_incident_given_to_another_calls_them() -> None:
    core = Core(quick())
    core.find("alpha", "drawdown")
    board = core.board()
    board.hand_over(core.incident("alpha", "drawdown"), "ben", "ana")
    core.end(board)
    assert [each.body["whom"] for each in core.of(kind=Kind.AGAIN)] == [["ben"], ["ben"]]
    assert core.alert("alpha", "drawdown").acknowledged_by == "ben"


def test_an_agent_that_does_not_answer_hides_its_other_alerts_until_it_does() -> None:
    core = Core(quick())
    board = core.board()
    for of in ("strategy_stalled", "agent_unreachable"):
        board.find(core.finding("alpha", of), lifecycle.Policy())
    core.end(board)
    stalled = core.alert("alpha", "strategy_stalled")
    assert [each.alert for each in core.pages()] == [core.incident("alpha", "agent_unreachable").id]
    assert core.kinds(stalled.id) == ["fired", "inhibited"]
    core.now += 30
    core.find("alpha", "agent_unreachable", Verdict.CLEAR)
    assert len(core.pages()) == 2
    assert core.alert("alpha", "strategy_stalled").paged == core.now


def test_an_alert_that_comes_in_the_wait_of_another_is_hidden_by_its_cause() -> None:
    core = Core(quick(group_wait=5.0))
    core.find("alpha", "strategy_stalled")
    core.wait(2)
    core.find("alpha", "agent_unreachable")
    core.wait(10)
    assert [each.alert for each in core.pages()] == [core.incident("alpha", "agent_unreachable").id]
    assert core.ledger.hidden[core.alert("alpha", "strategy_stalled").fingerprint].kind == "inhibited"


def test_the_end_of_a_silence_pages_what_still_stands_once() -> None:
    core = Core(quick())
    core.hush((("rule", "drawdown"),), 1_200)
    core.find("alpha", "drawdown")
    assert core.kinds(core.alert("alpha", "drawdown").id) == ["fired", "silenced"]
    core.wait(1_199)
    assert core.pages() == []
    notices = [each.body["what"] for each in core.of(kind=Kind.NOTICE, platform="telegram")]
    assert notices == ["begun", "ending"]
    core.wait(2)
    (page,) = core.pages()
    assert "silenced by ana" in str(page.body["why"])
    core.wait(100)
    assert len(core.pages()) == 1


def test_the_end_of_a_silence_tells_once_more_of_what_was_told_before_it() -> None:
    core = Core(quick(policies=()))
    core.find("alpha", "drawdown")
    silence = core.hush((("agent", "alpha"),), 600)
    core.wait(60)
    board = core.board()
    board.end_silence(silence, "ben")
    core.end(board)
    core.wait(700)
    assert core.again() == [(60.0, "silence")]


def test_a_silence_stops_the_escalation_and_its_end_goes_on_with_it() -> None:
    core = Core(quick())
    core.find("alpha", "drawdown")
    core.hush((("agent", "alpha"),), 600)
    core.wait(1_000)
    assert [what for at, what in core.again() if at < 600] == []
    assert (600.0, "silence") in core.again()
    assert any(what == "step" for _, what in core.again())


def test_a_trouble_that_comes_and_goes_is_one_notice_and_then_quiet_until_it_is_stable() -> None:
    core = Core(quick(flap_openings=4))
    for _ in range(9):
        core.find("alpha", "drawdown")
        core.wait(30)
        core.find("alpha", "drawdown", Verdict.CLEAR)
        core.wait(30)
    assert len(core.pages()) == 3
    assert [each.body.get("times") for each in core.of(kind=Kind.NOTICE, platform="telegram")] == [4]
    core.find("alpha", "drawdown")
    core.wait(599)
    assert len(core.pages()) == 3
    core.wait(2)
    assert len(core.pages()) == 4


def test_an_agent_that_answers_every_second_time_is_told_of_as_flapping() -> None:
    core = Core(quick(flap_openings=4))
    for _ in range(6):
        core.find("alpha", "agent_unreachable", fire_after=2)
        core.wait(30)
        core.find("alpha", "agent_unreachable", Verdict.CLEAR, fire_after=2)
        core.wait(30)
    assert core.pages() == []
    (notice,) = core.of(kind=Kind.NOTICE, platform="telegram")
    assert notice.severity is Severity.CRITICAL


def test_the_same_trouble_within_the_hold_is_kept_and_paged_after_it() -> None:
    core = Core(quick(hold=300.0))
    core.find("alpha", "drawdown")
    core.wait(20)
    core.find("alpha", "drawdown", Verdict.CLEAR)
    core.wait(20)
    core.find("alpha", "drawdown")
    assert core.kinds(core.alert("alpha", "drawdown").id) == ["fired", "held"]
    core.wait(259)
    assert len(core.pages()) == 1
    core.wait(1)
    assert len(core.pages()) == 2


def test_a_warning_at_night_is_kept_for_the_morning() -> None:
    now = dt.datetime.fromtimestamp(T0, dt.UTC)
    hours = Quiet((now - dt.timedelta(hours=1)).time(), (now + dt.timedelta(hours=2)).time(), dt.UTC)
    core = Core(quick(quiet=hours))
    core.find("alpha", "strategy_stalled")
    core.find("alpha", "drawdown")
    assert len(core.pages()) == 1
    core.wait(7_300, step=60)
    assert len(core.pages()) == 2


def test_a_window_of_the_settings_is_a_silence_that_begins_and_ends_by_itself() -> None:
    window = Maintenance(
        "venue", (("venue", "x"),), 600.0, "weekly reset", lambda now: T0 + 100 if now >= T0 + 100 else None
    )
    core = Core(quick(maintenance=(window,)), {"alpha": {"venue": "x"}, "beta": {"venue": "y"}})
    core.wait(101)
    core.find("alpha", "drawdown")
    core.find("beta", "drawdown")
    assert len(core.pages()) == 1
    core.ledger = core.restart()
    core.wait(600)
    assert len(core.pages()) == 2
    assert len(core.silences) == 1


def test_routes_send_an_alert_to_other_chats_and_its_recovery_to_the_same() -> None:
    routes = (Route(("telegram:-1001",), Severity.WARN, (("team", "perps"),)),)
    plan = replace(quick(routes=routes), channels=(*CHATS, "telegram:-1001"))
    core = Core(plan, {"alpha": {"team": "perps"}, "beta": {"team": "spot"}})
    core.find("alpha", "drawdown")
    core.find("beta", "drawdown")
    core.wait(10)
    core.find("alpha", "drawdown", Verdict.CLEAR)
    told = [(each.kind, each.platform) for each in core.told.values()]
    assert told[0] == (Kind.PAGE, "telegram:-1001")
    assert told[1:3] == [(Kind.PAGE, "telegram"), (Kind.PAGE, "slack")]
    assert told[3:] == [(Kind.UPDATE, "telegram:-1001"), (Kind.RECOVERY, "telegram:-1001")]


def test_a_critical_that_nobody_took_goes_to_the_next_channel_once() -> None:
    plan = replace(
        quick(
            routes=(
                Route(
                    ("telegram",),
                ),
            )
        ),
        channels=(*CHATS, "phone"),
    )
    core = Core(plan)
    core.find("alpha", "drawdown")
    incident = core.incident("alpha", "drawdown")
    for _ in range(2):
        board = core.board()
        board.fail_over(incident.id, ("telegram",))
        core.end(board)
    rows = core.of(kind=Kind.AGAIN)
    assert [each.platform for each in rows] == ["slack", "phone"]
    assert core.kinds(incident.id).count("failed_over") == 2
    core.wait(10)
    core.find("alpha", "drawdown", Verdict.CLEAR)
    assert {each.platform for each in core.of(kind=Kind.RECOVERY)} == {"telegram", "slack", "phone"}


def test_what_fires_and_ends_within_one_turn_is_told_and_its_recovery_too() -> None:
    core = Core(quick(group_wait=5.0))
    board = core.board()
    for verdict in (Verdict.BREACH, Verdict.CLEAR):
        core.now += 1
        board.find(core.finding("alpha", "drawdown", verdict), lifecycle.Policy())
    core.end(board)
    assert {each.kind for each in core.told.values()} >= {Kind.PAGE, Kind.RECOVERY}


def test_a_drill_ends_with_its_acknowledgement() -> None:
    core = Core(quick())
    core.find("nightdesk", "drill")
    core.wait(30)
    core.acknowledge(core.incident("nightdesk", "drill"))
    assert core.ledger.alerts == {}
    assert len(core.of(kind=Kind.RECOVERY)) == 2


@pytest.mark.parametrize("severity", [Severity.WARN, Severity.INFO])
def test_only_a_critical_is_told_again(severity: Severity) -> None:
    core = Core(quick())
    board = core.board()
    board.find(replace(core.finding("alpha", "drawdown"), severity=severity), lifecycle.Policy())
    core.end(board)
    core.wait(7_200, step=60)
    assert core.again() == []
    assert len(core.pages("telegram")) == (severity is Severity.WARN)
    assert core.pages("slack") == []


def test_an_unsettled_plan_names_no_channel_and_nothing_is_lost() -> None:
    core = Core(Plan(()))
    core.find("alpha", "drawdown")
    assert core.ledger.hidden[core.alert("alpha", "drawdown").fingerprint].kind == "unrouted"


def test_alerts_with_another_policy_are_another_incident() -> None:
    gold = Policy("gold", (Step(0.0, to=("phone",)),), match=(("tier", "gold"),))
    plan = replace(quick(policies=(gold, *quick().policies)), channels=(*CHATS, "phone"))
    core = Core(plan, {"lab": {"venue": "x"}, "gold": {"venue": "x", "tier": "gold"}})
    find_all(core, ["lab", "gold"])
    assert len(core.pages()) == 2
    assert [each.alert for each in core.pages("phone")] == [core.incident("gold", "agent_unreachable").id]


def test_of_causes_that_hide_each_other_the_first_is_told() -> None:
    each_other = Inhibition((("rule", "drawdown"),), (("rule", "drawdown"),), equal=("venue",))
    core = Core(quick(inhibitions=(each_other,)), {"alpha": {"venue": "x"}, "beta": {"venue": "x"}})
    board = core.board()
    for name in ("alpha", "beta"):
        board.find(core.finding(name, "drawdown"), lifecycle.Policy())
    core.end(board)
    assert len(core.pages()) == 1
    assert [why.kind for why in core.ledger.hidden.values()] == ["inhibited"]


def test_a_hidden_alert_taken_in_hand_is_an_incident_of_its_own() -> None:
    core = Core(quick(), {"alpha": {"venue": "x"}, "beta": {"venue": "x"}})
    core.find("alpha", "drawdown")
    core.hush((("agent", "beta"),), 600)
    core.find("beta", "drawdown")
    board = core.board()
    board.acknowledge(board.incident_of(core.alert("beta", "drawdown")), "ana")
    core.end(board)
    assert core.alert("alpha", "drawdown").state is State.FIRING


def test_a_hidden_alert_given_to_somebody_calls_them() -> None:
    core = Core(quick())
    core.hush((("agent", "alpha"),), 600)
    core.find("alpha", "drawdown")
    board = core.board()
    board.hand_over(board.incident_of(core.alert("alpha", "drawdown")), "ben", "ana")
    core.end(board)
    assert [each.platform for each in core.of(kind=Kind.AGAIN)] == list(CHATS)


def test_nobody_takes_in_hand_what_they_were_not_told_of() -> None:
    core = Core(quick(), {"alpha": {"venue": "x"}, "beta": {"venue": "x"}})
    core.find("alpha", "drawdown")
    core.wait(5)
    core.find("beta", "drawdown")
    core.acknowledge(core.incident("alpha", "drawdown"))
    assert core.alert("alpha", "drawdown").state is State.ACKNOWLEDGED
    assert core.alert("beta", "drawdown").state is State.FIRING
    assert len(core.pages()) == 2


def test_a_window_that_was_ended_early_stays_ended_over_a_restart() -> None:
    window = Maintenance("venue", (("agent", "alpha"),), 600.0, "reset", lambda now: T0 if now < T0 + 600 else None)
    core = Core(quick(maintenance=(window,)))
    core.wait(10)
    core.find("alpha", "drawdown")
    board = core.board()
    board.end_silence(core.ledger.silences[0], "ana")
    core.end(board)
    core.ledger = core.restart()
    core.wait(100)
    assert len(core.pages()) == 1
    assert len(core.of(kind=Kind.NOTICE, platform="telegram")) == 1


def test_a_lease_waits_for_the_end_of_a_silence() -> None:
    core = Core(quick())
    core.find("alpha", "drawdown")
    core.acknowledge(core.incident("alpha", "drawdown"))
    core.hush((("agent", "alpha"),), 7_200)
    core.wait(7_000, step=10)
    assert core.again() == []
    core.wait(400, step=10)
    assert [what for _, what in core.again()][:1] == ["ask"]


def test_quiet_hours_do_not_hide_the_desks_own_troubles() -> None:
    core = Core(quick(quiet=Quiet(dt.time(0), dt.time(23, 59), dt.UTC)))
    board = core.board()
    board.find(replace(core.finding("nightdesk", "chat_down"), severity=Severity.WARN), lifecycle.Policy())
    core.end(board)
    assert len(core.pages()) == 1


def test_an_incident_whose_channels_are_gone_is_paged_where_somebody_is() -> None:
    core = Core(replace(quick(routes=(Route(("phone",)),)), channels=("telegram", "phone")))
    core.find("alpha", "drawdown")
    core.plan = replace(core.plan, channels=("telegram",))
    core.ledger = core.restart()
    board = core.board()
    board.rehome()
    core.end(board)
    assert [each.platform for each in core.of(kind=Kind.PAGE)] == ["phone", "telegram"]
    core.wait(300)
    assert core.again() == [(300.0, "step")]


def test_a_drill_goes_to_every_channel_as_often_as_somebody_asks() -> None:
    core = Core(replace(quick(hold=300.0), channels=(*CHATS, "phone")))
    for _ in range(2):
        core.find("nightdesk", "drill")
        core.acknowledge(core.incident("nightdesk", "drill"))
        core.wait(10)
    assert len(core.pages("phone")) == 2


def test_an_incident_whose_last_alert_is_hidden_before_it_was_told_leaves_no_ghost() -> None:
    core = Core(quick(policies=()), {"alpha": {"venue": "x"}, "beta": {"venue": "x"}})
    core.find("alpha", "strategy_stalled")
    core.wait(5)
    core.find("beta", "strategy_stalled")
    core.wait(5)
    core.hush((("agent", "beta"),), 3_600)
    core.find("alpha", "strategy_stalled", Verdict.CLEAR)
    core.wait(120)
    assert core.ledger.incidents == {}


def test_a_page_that_is_sent_anew_is_no_duplicate_of_itself() -> None:
    core = Core(quick(hold=300.0))
    core.find("alpha", "drawdown")
    board = core.board()
    board.tell_anew(core.incident("alpha", "drawdown").id)
    core.end(board)
    assert len(core.pages()) == 2


def test_a_trouble_that_began_to_flap_under_a_silence_is_told_of_after_a_restart() -> None:
    core = Core(quick(flap_openings=4))
    core.hush((("agent", "alpha"),), 600)
    for number in range(7):
        if number == 5:
            core.wait(400)
            core.ledger = core.restart()
        core.find("alpha", "drawdown")
        core.wait(30)
        core.find("alpha", "drawdown", Verdict.CLEAR)
        core.wait(30)
    assert [each.body["flapping"] for each in core.of(kind=Kind.NOTICE) if "flapping" in each.body]
