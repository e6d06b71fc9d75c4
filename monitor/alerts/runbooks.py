"""Runbooks say, step by step, what to do about a trouble; they are text with live values, never code."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from monitor.alerts.yaml_text import Node, TextError, nearest, read
from monitor.model import Severity
from monitor.outside import line

PLACEHOLDERS: Mapping[str, str] = {
    "agent": "id of the agent",
    "alert": "id of the alert the runbook was opened from",
    "reason": "why that alert stands",
    "since": "since when it stands",
    "equity": "balance plus open positions at market",
    "balance": "balance",
    "drawdown": "share below the peak of the equity",
    "drawdown_limit": "the drawdown a person allowed",
    "loss": "money lost in the last 24 hours",
    "loss_limit": "the loss a person allowed",
    "min_balance": "the balance below which it cannot trade",
    "heartbeat_age": "time since the strategy last acted",
    "heartbeat_limit": "after how long the strategy counts as stalled",
    "last_error": "why the last poll brought no answer",
    "failing_checks": "the health checks that are not ok",
    "venue_latency": "time the venue took to answer the agent",
    "memory": "share of the machine's memory in use",
    "open_positions": "number of open positions",
    "uptime": "time since the agent started",
    "order_action": "the newest order to the agent: pause or resume",
    "order_by": "who gave it",
}
"""What may stand in braces in a runbook, and what it becomes; "n/a" where it is not known."""
UNKNOWN = "n/a"
IN_COMMANDS = ("agent", "alert")
"""The only values that may become part of a command line: ids, which no agent can choose."""
_LARGEST = 1 << 18
_LONGEST_VALUE = 200
_KEY = re.compile(r"[a-z][a-z0-9_]{0,39}")
_SEVERITIES = {each.name.lower(): each for each in Severity}
_MOST_STEPS = 20
_BRACES = re.compile(r"\{([^{}]*)\}|[{}]")


class RunbookError(Exception):
    """Runbooks that cannot be used; the message is "runbooks.yaml:12: drawdown.steps[2]: ..." with what to do."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do."""

    say: str
    """What to do, imperative."""
    do: str | None = None
    """A command line that does it, as typed in chat without its slash: becomes a button."""
    check: str | None = None
    """What to see when it is done."""


@dataclass(frozen=True, slots=True)
class Runbook:
    """What to do about one kind of trouble."""

    key: str
    title: str
    severity: Severity
    about: str
    """One sentence: what it means."""
    steps: tuple[Step, ...]
    verify: str
    """How one knows that it is over."""


def locate() -> Path:
    """The runbooks that come along: beside this file in a wheel, at the top of a checkout. Errors: RunbookError."""
    for path in (Path(__file__).with_name("runbooks.yaml"), Path(__file__).parents[2] / "runbooks.yaml"):
        if path.is_file():
            return path
    raise RunbookError("runbooks.yaml is missing from this installation: install nightdesk again.")


def load(path: Path | None = None) -> Mapping[str, Runbook]:
    """Read the runbooks at `path`, else those that come along. Errors: RunbookError."""
    path = path or locate()
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
        return parse(data.decode(), path.name)
    except OSError as error:
        raise RunbookError(f"{path}: cannot be read: {error.strerror or error}.") from None
    except UnicodeDecodeError:
        raise RunbookError(f"{path.name}: is not UTF-8: save the file as UTF-8 text.") from None


def parse(text: str, name: str) -> Mapping[str, Runbook]:
    """Read runbooks by key from YAML; `name` is the file's, for errors. Errors: RunbookError."""
    if len(text) > _LARGEST:
        raise RunbookError(f"{name}: is larger than 256 KiB: that is no file of runbooks.")
    try:
        return {key: _runbook(key, each) for key, each in read(text).table("the file").items()}
    except TextError as error:
        raise RunbookError(f"{name}:{error.line}: {error}") from None


def fill(runbook: Runbook, values: Mapping[str, str]) -> Runbook:
    """Put live values into a runbook's texts. A command line that lacks a value is left out: it would do nothing."""
    known = {name: text for name, value in values.items() if (text := line(value, _LONGEST_VALUE))}

    def put(text: str) -> str:
        return _BRACES.sub(lambda found: known.get(found[1], UNKNOWN), text)

    def step(of: Step) -> Step:
        whole = of.do is not None and all(found[1] in known for found in _BRACES.finditer(of.do))
        return Step(put(of.say), put(of.do) if of.do and whole else None, put(of.check) if of.check else None)

    return dataclasses.replace(
        runbook,
        title=put(runbook.title),
        about=put(runbook.about),
        steps=tuple(step(each) for each in runbook.steps),
        verify=put(runbook.verify),
    )


def _runbook(key: str, node: Node) -> Runbook:
    if not _KEY.fullmatch(key):
        raise TextError(node.line, f'"{key[:40]}" is not a key: use a-z, 0-9 and _, at most 40 characters.')
    table = node.table(key, ("title", "severity", "about", "steps", "verify"))
    severity = table["severity"].text(f"{key}.severity", 20)
    if severity not in _SEVERITIES:
        raise TextError(table["severity"].line, f"{key}.severity: {severity} is none of {', '.join(_SEVERITIES)}.")
    steps = table["steps"].items(f"{key}.steps", _MOST_STEPS)
    return Runbook(
        key,
        _text(table["title"], f"{key}.title", 80),
        _SEVERITIES[severity],
        _text(table["about"], f"{key}.about", 400),
        tuple(_step(f"{key}.steps[{index}]", each) for index, each in enumerate(steps)),
        _text(table["verify"], f"{key}.verify", 400),
    )


def _step(path: str, node: Node) -> Step:
    table = node.table(path, ("say",), ("do", "check"))
    do, check = table.get("do"), table.get("check")
    return Step(
        _text(table["say"], f"{path}.say", 400),
        _text(do, f"{path}.do", 64, IN_COMMANDS) if do else None,
        _text(check, f"{path}.check", 400) if check else None,
    )


def _text(node: Node, path: str, longest: int, allowed: Collection[str] = PLACEHOLDERS.keys()) -> str:
    text = node.text(path, longest)
    for found in _BRACES.finditer(text):
        if found[1] not in allowed:
            raise TextError(node.line, f"{path}: {found[0][:40]} is not a value: {nearest(found[1] or '', allowed)}")
    return text
