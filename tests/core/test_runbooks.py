"""Runbooks: what comes along is complete, what is wrong is refused with its line, and values are only ever text."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.alerts.runbooks import PLACEHOLDERS, Runbook, RunbookError, Step, fill, load, locate, parse
from monitor.model import Severity
from monitor.rule import discover

COMMANDS = {
    *("status", "alerts", "ack", "silence", "pause", "resume", "runbook", "pnl", "performance", "flow"),
    *("oncall", "outbox", "why", "whoami", "logs", "restart", "stop", "close", "reconcile", "reset"),
}
GOOD = """
drawdown:
  title: Drawdown of {agent}
  severity: critical
  about: It lost {drawdown}.
  steps:
    - say: Pause it.
      do: pause {agent}
      check: It says so.
    - say: Wait.
  verify: It is over.
"""


def test_every_rule_has_a_runbook_as_severe_as_itself() -> None:
    runbooks = load()
    for rule in discover().values():
        assert runbooks[rule.runbook].severity is rule.severity


def test_no_runbook_without_a_rule_comes_along() -> None:
    assert set(load()) == {*discover()}


def test_runbooks_are_short_and_their_buttons_type_commands_that_exist() -> None:
    for runbook in load().values():
        assert 5 <= len(runbook.steps) <= 9
        for step in runbook.steps:
            assert step.do is None or step.do.split()[0] in COMMANDS


def test_what_loses_money_is_paused_before_anything_else() -> None:
    assert {load()[key].steps[0].do for key in ("drawdown", "hard_loss")} == {"pause {agent}"}


def test_the_head_of_the_file_names_every_value_that_may_be_used() -> None:
    head = locate().read_text().split("\nagent_unreachable:")[0]
    assert set(re.findall(r"\{(\w+)\}", head)) == set(PLACEHOLDERS)


def test_a_runbook_is_read_with_its_steps_in_order() -> None:
    assert parse(GOOD, "runbooks.yaml") == {
        "drawdown": Runbook(
            "drawdown",
            "Drawdown of {agent}",
            Severity.CRITICAL,
            "It lost {drawdown}.",
            (Step("Pause it.", "pause {agent}", "It says so."), Step("Wait.")),
            "It is over.",
        )
    }


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("check:", "chek:", 9, 'did you mean "check"?'),
        ("{drawdown}", "{drawdwn}", 5, 'did you mean "drawdown"?'),
        ("{drawdown}", "{agent.__class__}", 5, "{agent.__class__} is not a value"),
        ("{drawdown}", "{0}", 5, "{0} is not a value"),
        ("{drawdown}", "{", 5, "{ is not a value"),
        ("do: pause {agent}", "do: pause {reason}", 8, "known are agent, alert"),
        ("critical", "loud", 4, "loud is none of info, warn, critical"),
        ("  verify: It is over.\n", "", 2, "drawdown.verify is missing"),
        ("title: Drawdown of {agent}", "title: [a]", 3, "drawdown.title is not a text"),
        ("title: Drawdown of {agent}", "title: &a x", 3, "anchors"),
        ("title: Drawdown of {agent}", "title: !!python/object:os.system x", 3, "tags"),
        ("title: Drawdown of {agent}", f"title: {'x' * 81}", 3, "at most 80 characters"),
        ("title: Drawdown of {agent}", "title: a\n  title: b", 4, '"title" stands here twice'),
        ("title: Drawdown of {agent}", "title: {a: {b: {c: {d: {e: {f: g}}}}}}", 3, "nested too deeply"),
        ("drawdown:", "Draw down:", 2, "is not a key"),
        ("drawdown:", "drawdown: [", 0, "is not YAML"),
        ("  verify", "---\n  verify", 12, "a second document"),
        ("drawdown:", "\x00drawdown:", 1, "is not YAML"),
    ],
)
def test_what_is_wrong_is_refused_with_its_line_and_a_sentence(old: str, new: str, line: int, said: str) -> None:
    with pytest.raises(RunbookError) as caught:
        parse(GOOD.replace(old, new, 1), "runbooks.yaml")
    assert said in str(caught.value)
    assert re.fullmatch(rf"runbooks\.yaml:{line or '[0-9]+'}: .*[.?]", str(caught.value))


@pytest.mark.parametrize(
    "text", ["", "- a", "drawdown: x", "a: {steps: []}", GOOD + "---\na: b", "x" * 300_000, "[" * 5000]
)
def test_a_file_that_holds_something_else_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(RunbookError) as caught:
        parse(text, "runbooks.yaml")
    assert str(caught.value).startswith("runbooks.yaml:")
    assert "\n" not in str(caught.value)


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused_and_nothing_else(text: str) -> None:
    with contextlib.suppress(RunbookError):
        parse(text, "runbooks.yaml")


def test_values_are_put_in_and_what_is_not_known_reads_as_such() -> None:
    filled = fill(parse(GOOD, "runbooks.yaml")["drawdown"], {"agent": "alpha"})
    assert filled.title == "Drawdown of alpha"
    assert filled.about == "It lost n/a."
    assert filled.steps[0].do == "pause alpha"


def test_a_command_that_lacks_its_value_is_no_button() -> None:
    filled = fill(parse(GOOD, "runbooks.yaml")["drawdown"], {"drawdown": "16%"})
    assert filled.steps[0].do is None
    assert filled.steps[0].say == "Pause it."


@given(st.text())
def test_a_value_becomes_one_line_of_bounded_text_whatever_an_agent_put_into_it(value: str) -> None:
    filled = fill(Runbook("a", "{reason}", Severity.WARN, "", (), ""), {"reason": value})
    assert filled.title.isprintable()
    assert 0 < len(filled.title) <= 200


def test_a_value_is_never_read_as_a_placeholder_again() -> None:
    runbook = Runbook("a", "{reason}", Severity.WARN, "", (), "")
    assert fill(runbook, {"reason": "{agent} {agent.__class__} \\1", "agent": "x"}).title == (
        "{agent} {agent.__class__} \\1"
    )


@pytest.mark.parametrize("name", sorted(PLACEHOLDERS.keys() - {"agent", "alert"}))
def test_only_ids_become_part_of_a_command(name: str) -> None:
    with pytest.raises(RunbookError, match="known are agent, alert"):
        parse(GOOD.replace("pause {agent}", f"pause {{{name}}}"), "runbooks.yaml")


def test_a_file_of_ones_own_is_read_and_a_missing_one_named(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    with pytest.raises(RunbookError, match=r"own\.yaml: cannot be read: No such file"):
        load(own)
    own.write_text(GOOD)
    assert set(load(own)) == {"drawdown"}
    own.write_bytes(b"\xff")
    with pytest.raises(RunbookError, match=r"own\.yaml: is not UTF-8"):
        load(own)
