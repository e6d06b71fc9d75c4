"""The first agents: an address is asked what it is, and becomes a source and a control."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from bot.format import plain
from bot.setup.asking import Console, SetupError
from bot.setup.probing import Answer, probe
from bot.setup.writing import Chosen

_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")


async def collect(chosen: Chosen, given: Sequence[str], console: Console, environ: Mapping[str, str]) -> None:
    """Add the agents that flags name, or ask until there are no more. Errors: SetupError."""
    for text in given:
        name, equals, address = text.partition("=")
        if not equals or not _ID.fullmatch(name):
            raise SetupError(f"{plain(text, 60)} is no agent: write --agent alpha=http://127.0.0.1:9001.")
        if not await _add(chosen, address, name, console, environ):
            raise SetupError(f"Nothing that can be watched answers at {plain(address, 100)}.")
    if not given and not console.interactive:
        raise SetupError("Which agents are watched: give them by --agent alpha=http://127.0.0.1:9001.")
    while console.interactive and not given:
        more = " (empty: no more)" if chosen.agents else ""
        address = console.ask(f"\nAddress of an agent{more}", "--agent", "" if chosen.agents else None)
        if not address:
            return
        await _add(chosen, address, "", console, environ)


async def _add(chosen: Chosen, address: str, name: str, console: Console, environ: Mapping[str, str]) -> bool:
    """Ask an address what it is, and take it in; returns whether it was."""
    answer = await probe(address)
    secrets: dict[str, str] = {}
    if answer.kind == "key":
        console.say(f"  {answer.says}")
        variable = _variable(name or "agent", "KEY", chosen)
        secrets[variable] = environ.get(variable, "") or console.secret("Its key", variable)
        answer = await probe(address, secrets[variable])
    console.say(f"  {answer.says}")
    if answer.kind in ("nothing", "key"):
        return False
    name = name or _named(answer, chosen, console)
    if secrets:
        secrets = {_variable(name, "KEY", chosen): next(iter(secrets.values()))}
    chosen.agents.append((name, _tables(answer, name, secrets, chosen, console, environ)))
    chosen.secrets |= secrets
    return True


def _named(answer: Answer, chosen: Chosen, console: Console) -> str:
    taken = {each for each, _ in chosen.agents}
    usual = answer.id if _ID.fullmatch(answer.id) else f"agent{len(taken) + 1}"
    while True:
        name = console.ask("What the desk calls it", "--agent", usual)
        if _ID.fullmatch(name) and name not in taken and name != "all":
            return name
        console.say("  a-z, 0-9, - and _, at most 32, and not taken")


def _tables(
    answer: Answer,
    name: str,
    secrets: dict[str, str],
    chosen: Chosen,
    console: Console,
    environ: Mapping[str, str],
) -> Mapping[str, object]:
    if answer.kind == "freqtrade":
        return _freqtrade(answer, name, secrets, chosen, console, environ)
    kind = "prometheus" if answer.kind == "prometheus" else "http"
    source: dict[str, object] = {"kind": kind, "url": answer.url}
    if answer.path:
        source["path"] = answer.path
    for variable in secrets:
        source["key_env"] = variable
    if not answer.known:
        source["fields"] = _fields(answer, console)
    if answer.kind != "sdk":
        console.say("  it takes no orders until you give it a control: see docs/controls.md")
        return {"source": source}
    control = {key: value for key, value in source.items() if key in ("kind", "url", "key_env")}
    if not secrets:
        console.say("  it was started without a key, so it takes no orders: see docs/sdk.md")
        return {"source": source}
    return {"source": source, "control": control}


def _freqtrade(
    answer: Answer,
    name: str,
    secrets: dict[str, str],
    chosen: Chosen,
    console: Console,
    environ: Mapping[str, str],
) -> Mapping[str, object]:
    user = console.ask("Its api_server username", "--agent (asked only at a terminal)", "freqtrader")
    variable = _variable(name, "PASSWORD", chosen)
    secrets[variable] = environ.get(variable, "") or console.secret("Its api_server password", variable)
    table = {"kind": "freqtrade", "url": answer.url, "username": user, "password_env": variable}
    return {"source": table, "control": dict(table)}


def _fields(answer: Answer, console: Console) -> Mapping[str, str]:
    """Which of its figures are the balance and the profit."""
    console.say(f"  its figures: {', '.join(f'{path} ({value:g})' for path, value in answer.figures.items())}")
    fields = {}
    for field, question in (("balance", "Which is its balance"), ("pnl_24h", "Which is its profit of 24 h (or none)")):
        usual = next((path for path in answer.figures if field[:3] in path.lower()), "none")
        path = console.ask(question, "--agent (asked only at a terminal)", usual)
        if path in answer.figures:
            fields[field] = path
    return fields


def _variable(name: str, what: str, chosen: Chosen) -> str:
    """A variable that nobody has yet."""
    base = f"{re.sub(r'[^A-Z0-9]', '_', name.upper())}_{what}"
    return base if base not in chosen.secrets else f"{base}_{len(chosen.secrets)}"
