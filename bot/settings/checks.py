"""What is wrong with settings beyond one table: secrets in the open, doubled ids, nobody on call, unset variables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bot.quantities import shown
from bot.settings.lines import Path

PLATFORM_IDS = ("telegram", "slack", "console")
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]{0,127}")
_SECRET_NAME = re.compile(
    r"(?:.*[_-])?(?:key|apikey|token|secret|password|passphrase|webhook|bearer|auth|authorization)(?:[_-]url)?",
    re.IGNORECASE,
)
_PLATFORM_SECRETS = {
    ("telegram", "token"): "TELEGRAM_TOKEN",
    ("telegram", "bot_token"): "TELEGRAM_TOKEN",
    ("slack", "token"): "SLACK_BOT_TOKEN",
    ("slack", "bot_token"): "SLACK_BOT_TOKEN",
    ("slack", "app_token"): "SLACK_APP_TOKEN",
    ("slack", "signing_secret"): "SLACK_SIGNING_SECRET",
    ("slack", "webhook"): "SLACK_WEBHOOK",
    ("slack", "webhook_url"): "SLACK_WEBHOOK",
}
_SLACK_NEEDS = {
    "socket": ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"),
    "http": ("SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET"),
    "webhook": ("SLACK_WEBHOOK",),
}
_LOOKS_SECRET = re.compile(r"xox[a-z]-|xapp-|hooks\.slack\.com/|[0-9]{6,}:[A-Za-z0-9_-]{30,}|-----BEGIN ")
_PASSWORD = re.compile(r"://[^/\s@:]*:([^/\s]+)@|[?&]password=([^&\s#]+)")
_FREE_NAMES = frozenset({"labels", "fields"})
"""Tables whose keys are the writer's own words, so that a label may be called "token"."""
_FREE_TABLES = frozenset({"routes", "policies", "maintenance", "inhibitions", "digests"})
"""Tables that match labels by their names."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: where, and a sentence that says what and how to mend it."""

    path: Path
    sentence: str


def is_secret(name: object) -> bool:
    """Whether a key of this name holds a secret."""
    return _SECRET_NAME.fullmatch(str(name)) is not None


def passwords(url: str) -> list[str]:
    """Every password inside an address, as it is written there."""
    return [found for pair in _PASSWORD.findall(url) for found in pair if found]


def check(raw: Mapping[str, object], environ: Mapping[str, str]) -> list[Problem]:
    """Everything that no table can see of itself, in a file that need not be right in anything else."""
    return [
        *_secrets(raw, raw, ()),
        *_present(raw),
        *doubled(tables(raw, "agents"), "agents", "id"),
        *doubled(tables(raw, "people"), "people", "name", *PLATFORM_IDS),
        *_nameless(raw),
        *_unset_keys(raw, environ),
        *_unset_urls(raw, environ),
        *_unset_tokens(raw, environ),
    ]


def tables(raw: Mapping[str, object], name: str) -> list[tuple[int, Mapping[str, object]]]:
    """The tables of an array of tables with their numbers, as far as they are tables."""
    found = raw.get(name)
    return (
        [(index, each) for index, each in enumerate(found) if isinstance(each, dict)] if isinstance(found, list) else []
    )


def _secrets(raw: Mapping[str, object], value: object, path: Path) -> Iterator[Problem]:
    """Every secret that stands in the file itself; no sentence holds a value."""
    if path and _opens(path):
        yield Problem(path, _take_out(raw, path))
    elif isinstance(value, dict):
        for name, each in value.items():
            yield from _secrets(raw, each, (*path, name))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _secrets(raw, each, (*path, index))
    elif isinstance(value, str) and passwords(value):
        means = {"desk": "as NIGHTDESK_DATABASE_URL", "channels": "by url_env"}
        yield Problem(
            path,
            "an address with a password does not belong here: "
            f"give it {means.get(str(path[0]), 'as AGENT_KEY, or by key_env')}.",
        )
    elif isinstance(value, str) and _LOOKS_SECRET.search(value):
        yield Problem(path, "this looks like a secret: take it out and put it into an environment variable.")


def _opens(path: Path) -> bool:
    """Whether a key holds a secret by its name."""
    if path[0] == "channels" and path[-1] == "url":
        return True
    return is_secret(path[-1]) and not _FREE_NAMES & set(path) and path[0] not in _FREE_TABLES


def _take_out(raw: Mapping[str, object], path: Path) -> str:
    """How to get rid of a secret in the file."""
    name = str(path[-1]).lower().replace("-", "_")
    variable = _PLATFORM_SECRETS.get((str(path[0]), name))
    if variable:
        return f"a secret does not belong in this file: put it into the environment variable {variable}."
    owner = next((each for index, each in tables(raw, str(path[0])) if path[1:2] == (index,)), {})
    prefix = re.sub(r"[^A-Z0-9]", "_", str(owner.get("id") or owner.get("name") or "agent").upper())[:32]
    return (
        "a secret does not belong in this file: put it into an environment variable "
        f'and write {name}_env = "{prefix}_{name.upper()}".'
    )


def _present(raw: Mapping[str, object]) -> Iterator[Problem]:
    if raw.get("people", []) == []:
        yield Problem(
            ("people",),
            'an empty list of people starts nothing: add [[people]] with a name, a role and console = "ana".',
        )
    if raw.get("agents", []) == []:
        yield Problem(("agents",), "there is no agent to watch: add [[agents]] with an id and a source.")


def doubled(found: list[tuple[int, Mapping[str, object]]], of: str, *names: str) -> Iterator[Problem]:
    """Every name or id that two tables of an array have in common."""
    for name in names:
        seen: dict[str, int] = {}
        for index, table in found:
            value = table.get(name)
            if not isinstance(value, str | int):
                continue
            first = seen.setdefault(str(value), index)
            if first != index:
                yield Problem((of, index, name), f"{shown(value)} is taken by {of}[{first}]: each needs its own.")


def _nameless(raw: Mapping[str, object]) -> Iterator[Problem]:
    for index, person in tables(raw, "people"):
        if not any(name in person for name in PLATFORM_IDS):
            yield Problem(("people", index), "no chat knows this person: add telegram, slack or console with their id.")


def _unset_keys(raw: Mapping[str, object], environ: Mapping[str, str]) -> Iterator[Problem]:
    """Variables that are named and not set, or that hold what no header can carry; each is told once."""
    told = set()
    for index, agent in tables(raw, "agents"):
        for at, spec in _specs(agent):
            for name, variable in spec.items():
                if not str(name).endswith("_env"):
                    continue
                path = ("agents", index, *at, name)
                if not isinstance(variable, str) or not _VARIABLE.fullmatch(variable):
                    # It may be the secret itself, so it is not shown.
                    yield Problem(path, "write the name of an environment variable: A-Z, 0-9 and _.")
                    continue
                key = environ.get(variable, "").strip()
                if (
                    variable in told
                    or (key and name == "password_env")
                    or (key.isascii() and key.isprintable() and key and " " not in key)
                ):
                    continue
                told.add(variable)
                if key:
                    yield Problem(path, f"the environment variable {variable} holds no key: it has spaces or accents.")
                else:
                    yield Problem(
                        path, f"the environment variable {variable} is not set: set it, or take this line out."
                    )


def _specs(agent: Mapping[str, object]) -> Iterator[tuple[Path, Mapping[str, object]]]:
    """The source and the controls of an agent, with where they stand in its table."""
    several = agent.get("controls")
    listed = several if isinstance(several, list) else []
    parts: list[tuple[Path, object]] = [(("source",), agent.get("source")), (("control",), agent.get("control"))]
    parts += [(("controls", number), each) for number, each in enumerate(listed)]
    yield from ((at, spec) for at, spec in parts if isinstance(spec, dict))


def _unset_urls(raw: Mapping[str, object], environ: Mapping[str, str]) -> Iterator[Problem]:
    for index, channel in tables(raw, "channels"):
        variable = channel.get("url_env")
        if isinstance(variable, str) and _VARIABLE.fullmatch(variable) and not environ.get(variable, "").strip():
            sentence = f"the environment variable {variable} is not set: set it, or take this channel out."
            yield Problem(("channels", index, "url_env"), sentence)


def _unset_tokens(raw: Mapping[str, object], environ: Mapping[str, str]) -> Iterator[Problem]:
    slack = raw.get("slack")
    mode = str(slack.get("mode", "socket")) if isinstance(slack, dict) else ""
    needs: dict[str, tuple[str, ...]] = {"slack": _SLACK_NEEDS.get(mode, ())}
    if isinstance(raw.get("telegram"), dict):
        needs["telegram"] = ("TELEGRAM_TOKEN",)
    for section, variables in needs.items():
        unset = [each for each in variables if not environ.get(each, "").strip()]
        if unset:
            what = f"variable {unset[0]} is" if len(unset) == 1 else f"variables {' and '.join(unset)} are"
            yield Problem((section,), f"the environment {what} not set: set what is missing, or do without {section}.")
    if isinstance(slack, dict) and mode in ("socket", "http") and "channel" not in slack:
        yield Problem(("slack", "channel"), 'is missing: write channel = "C0123456789".')
