"""A budget of false pages is shared evenly and exactly, never rarer than once a quarter, never more than 3 a day."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from bot import allowance
from bot.settings import Settings, SettingsError, budget, budget_of_one, load, masked

HEAD = """[desk]
DESK
[[people]]
name = "ana"
role = "admin"
console = "ana"
"""
SPOT, PERPS = 'labels = { team = "spot" }', 'labels = { team = "perps" }'


def write(folder: Path, *agents: str, desk: str = "", more: str = "") -> Path:
    """Settings with an agent a0, a1 ... for each of `agents`, four lines each."""
    tables = [f'[[agents]]\nid = "a{index}"\nsource.kind = "http"\n{each}\n' for index, each in enumerate(agents)]
    path = folder / "nightdesk.toml"
    path.write_text(HEAD.replace("DESK", desk) + "".join(tables) + more)
    return path


def shares(settings: Settings) -> list[float | None]:
    return [each.false_pages for each in settings.agents]


def said(settings: Settings) -> list[str]:
    return [f"{'ok' if each.fine else 'note'} {each.sentence}" for each in allowance.examine(settings)]


@pytest.mark.parametrize(
    ("text", "a_week"),
    [
        ("3 per week", 3.0),
        ("3 per day", 21.0),
        ("1 per month", 7 / 30),
        ("1/month", 7 / 30),
        (" 0.5 / Week ", 0.5),
        ("1 per quarter", 1 / 13),
        ("1000 per day", 7000.0),
    ],
)
def test_a_budget_is_read_as_false_pages_a_week(text: str, a_week: float) -> None:
    assert budget(text) == a_week


@pytest.mark.parametrize(
    "text", ["few", "3", "3 per year", "-1 per day", "1e3 per day", "3perweek", "none", "", 3, True]
)
def test_what_is_no_budget_is_told_in_one_sentence(text: object) -> None:
    with pytest.raises(ValueError, match=r'is not a budget: write it like "3 per week" or "1 per month"\.$'):
        budget(text)


@pytest.mark.parametrize("text", ["0 per week", "0.9 per quarter", "0.3 per month"])
def test_rarer_than_once_a_quarter_is_refused(text: str) -> None:
    with pytest.raises(
        ValueError, match=r'is rarer than data can tell from chance: write "1 per quarter" or more often\.'
    ):
        budget(text)


def test_one_agent_has_three_a_day_at_most() -> None:
    assert budget_of_one("3 per day") == 21.0
    with pytest.raises(ValueError, match=r'"22/week" is more than 3 a day for one agent: write "3 per day" or less\.'):
        budget_of_one("22/week")


def test_unless_something_is_written_the_desk_has_three_a_week_for_all_of_its_agents_together(tmp_path: Path) -> None:
    settings = load(write(tmp_path, *[""] * 5), {})
    assert shares(settings) == [3 / 5] * 5
    assert {each.detector for each in settings.agents} == {"budget"}
    assert said(settings) == ["ok statistical pages: 3 per week over 5 agents, 0.6 a week each"]


def test_one_agent_alone_has_all_of_it(tmp_path: Path) -> None:
    assert said(load(write(tmp_path, ""), {})) == ["ok statistical pages: 3 per week for a0"]


def test_its_own_budget_wins_then_the_first_of_its_labels_then_the_desks(tmp_path: Path) -> None:
    more = f"""
[[budgets]]
{SPOT}
false_pages = "2 per week"
[[budgets]]
labels = {{ team = "spot|perps", agent = "a3|a4" }}
false_pages = "1/day"
"""
    own = f'{SPOT}\nfalse_pages = "1 per month"'
    settings = load(write(tmp_path, own, SPOT, SPOT, PERPS, PERPS, "", 'labels.mode = "paper"', more=more), {})
    assert shares(settings) == [7 / 30, 1.0, 1.0, 3.5, 3.5, 1.5, 1.5]
    assert said(settings) == [
        (
            "ok statistical pages: 1 per month for a0; 2 per week over 2 agents with team=spot, 1 a week each; "
            "1 per day over 2 agents with team=spot|perps agent=a3|a4, 3.5 a week each; "
            "3 per week over 2 agents, 1.5 a week each; expect 12 a week in all"
        )
    ]


def test_less_than_once_a_quarter_for_an_agent_is_once_a_quarter_and_check_says_what_to_expect(tmp_path: Path) -> None:
    settings = load(write(tmp_path, *[""] * 40, desk='false_pages = "1 per week"'), {})
    assert set(shares(settings)) == {1 / 13}
    assert said(settings) == [
        (
            "note statistical pages: 40 agents at 1 per quarter each: expect 3.1 false pages a week, not 1 per week, "
            "since two weeks of data cannot say more"
        )
    ]


def test_a_budget_that_comes_to_once_a_quarter_exactly_is_kept(tmp_path: Path) -> None:
    settings = load(write(tmp_path, *[""] * 13, desk='false_pages = "1 per week"'), {})
    assert said(settings) == ["ok statistical pages: 1 per week over 13 agents, 0.077 a week each"]


def test_none_switches_statistical_pages_off_for_whoever_has_no_other_budget(tmp_path: Path) -> None:
    settings = load(write(tmp_path, "", "", desk='false_pages = "none"'), {})
    assert shares(settings) == [None, None]
    assert said(settings) == ["ok statistical pages: none for 2 agents"]
    one = load(write(tmp_path, "", 'false_pages = "none"', ""), {})
    assert shares(one) == [1.5, None, 1.5]
    other = load(write(tmp_path, "", 'false_pages = "1/day"', desk='false_pages = "none"'), {})
    assert shares(other) == [None, 7.0]


def test_many_budgets_of_single_agents_are_told_together(tmp_path: Path) -> None:
    settings = load(write(tmp_path, *['false_pages = "0.5 per week"'] * 4, ""), {})
    assert said(settings) == [
        (
            "ok statistical pages: 4 agents with a budget of their own, 2 a week together; 3 per week for a4; "
            "expect 5 a week in all"
        )
    ]


def test_labels_whose_agents_all_have_another_budget_are_noted(tmp_path: Path) -> None:
    more = f'[[budgets]]\n{SPOT}\nfalse_pages = "1/day"\n' * 2
    *_, note = said(load(write(tmp_path, SPOT, more=more), {}))
    assert (
        note == "note nightdesk.toml:16: budgets[1].false_pages is shared by nobody: all its agents have another budget"
    )


def test_the_guides_detectors_are_chosen_for_the_desk_or_an_agent_and_said_to_be_loud(tmp_path: Path) -> None:
    settings = load(write(tmp_path, "", 'detector = "iqr"', 'detector = "budget"', desk='detector = "zscore"'), {})
    assert [each.detector for each in settings.agents] == ["zscore", "iqr", "budget"]
    assert said(settings)[1:] == [
        (
            "note statistical pages: 2 agents by iqr or zscore, without a budget: expect 10 to 55 pages a day and "
            "agent (docs/detection.md)"
        )
    ]
    (alone,) = said(load(write(tmp_path, 'detector = "percentile"'), {}))
    assert "a0 by percentile, without a budget" in alone
    off = load(write(tmp_path, 'detector = "percentile"\nfalse_pages = "none"'), {})
    assert said(off) == ["ok statistical pages: none for a0"]


@pytest.mark.parametrize(
    ("agent", "desk", "more", "told"),
    [
        ("", 'false_pages = "few"', "", '2: desk.false_pages: "few" is not a budget: write it like "3 per week" or '),
        ("", 'false_pages = "0 per day"', "", 'write "1 per quarter" or more often, or "none".'),
        (
            "",
            'false_pages = "7 per day"',
            "",
            '"7 per day" is more than 3 a day for each of 2 agents: write "6 per day" ',
        ),
        ('false_pages = "4/day"', "", "", 'agents[0].false_pages: "4 per day" is more than 3 a day for one agent: '),
        ("false_pages = 3", "", "", "agents[0].false_pages: 3 is not a budget"),
        ('detector = "z"', "", "", '"z" is not a detector: write budget, zscore, iqr or percentile.'),
        ("", "", 'labels = { team = "spot" }', 'budgets[0].false_pages: is missing: write false_pages = "3 per week".'),
        ("", "", 'false_pages = "1/day"', 'budgets[0].labels: is missing: write labels = { team = "spot" }.'),
        ("", "", 'labels = {}\nfalse_pages = "1/day"', "fits every agent: write that budget as false_pages of [desk]."),
        ("", "", 'labels = { tema = "a" }\nfalse_pages = "1/day"', 'not a known label: did you mean "team"?'),
        ("", "", 'labels = { team = "a" }\nfalse_pages = "1/day"', "budgets[0].labels: fits no agent"),
        ("", "", 'labels = 3\nfalse_pages = "1/day"', "budgets[0].labels: 3 is not a table"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_sentence(
    tmp_path: Path, agent: str, desk: str, more: str, told: str
) -> None:
    path = write(tmp_path, agent, SPOT, desk=desk, more=more and f"[[budgets]]\n{more}\n")
    with pytest.raises(SettingsError) as caught:
        load(path, {})
    (line,) = str(caught.value).splitlines()
    assert told in line


def test_without_a_file_budget_and_detector_come_from_the_environment() -> None:
    environ = {"AGENT_ID": "alpha", "NIGHTDESK_FALSE_PAGES": "1 per month", "NIGHTDESK_DETECTOR": "iqr"}
    (alpha,) = load(None, environ).agents
    assert (alpha.false_pages, alpha.detector) == (7 / 30, "iqr")
    assert load(None, {"AGENT_ID": "alpha"}).agents[0].false_pages == 3.0
    with pytest.raises(SettingsError, match=r"^environment: NIGHTDESK_FALSE_PAGES: .* is not a budget"):
        load(None, {**environ, "NIGHTDESK_FALSE_PAGES": "few"})


def test_masked_settings_say_the_same(tmp_path: Path) -> None:
    more = f'[[budgets]]\n{SPOT}\nfalse_pages = "2 / week"\n'
    own = 'false_pages = "none"\ndetector = "iqr"'
    venue = 'labels.venue = "kraken"'
    settings = load(write(tmp_path, own, SPOT, venue, desk='false_pages = "1/day"', more=more), {})
    shown = tomllib.loads(masked(settings))
    assert (shown["desk"]["false_pages"], shown["desk"]["detector"]) == ("1 per day", "budget")
    assert shown["budgets"] == [{"labels": {"team": "spot"}, "false_pages": "2 per week"}]
    assert [each.get("false_pages") for each in shown["agents"]] == ["none", None, None]
    (tmp_path / "nightdesk.toml").write_text(masked(settings))
    assert load(tmp_path / "nightdesk.toml", {}).agents == settings.agents
