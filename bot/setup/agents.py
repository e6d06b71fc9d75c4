"""The first agents: an address is asked what it is, and becomes a source and a control."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from bot.format import plain
from bot.setup.asking import Console, SetupError
from bot.setup.probing import Answer, login, probe, user_in
from bot.setup.writing import Chosen

TRIES = 5
_AT_TERMINAL = "start nightdesk init at a terminal"
_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")


async def collect(chosen: Chosen, given: Sequence[str], console: Console, environ: Mapping[str, str]) -> None:
    """Add the agents that flags name, or ask until there are no more. Errors: SetupError."""
    for text in given:
        name, equals, address = text.partition("=")
        if not equals or not _ID.fullmatch(name):
            raise SetupError(f"{plain(text, 60)} is no agent: write --agent alpha=http://127.0.0.1:9001.")
        if name in (each for each, _ in chosen.agents):
            raise SetupError(f"Two agents are called {name}: give one of them another name.")
        if not await _add(chosen, address, name, console, environ):
            raise SetupError(f"What answers at the address of {name} cannot be watched: mend --agent {name}=.")
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
    late = answer.kind == "nothing" and answer.url and console.interactive
    if late and console.sure("Watch that address all the same, as Nightdesk's probe or JSON", default=False):
        answer = Answer("json", "", answer.url, answer.path)
    if answer.kind in ("nothing", "key"):
        return False
    name = name or _named(answer, chosen, console)
    if secrets:
        secrets = {_variable(name, "KEY", chosen): next(iter(secrets.values()))}
    if answer.kind == "freqtrade":
        parts = await _freqtrade(answer, name, user_in(address), secrets, chosen, console, environ)
    else:
        parts = _tables(answer, secrets, console)
    chosen.agents.append((name, parts))
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


def _tables(answer: Answer, secrets: Mapping[str, str], console: Console) -> Mapping[str, object]:
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
    if not secrets:
        console.say("  it was started without a key, so it takes no orders: see docs/sdk.md")
        return {"source": source}
    return {"source": source, "control": {key: source[key] for key in ("kind", "url", "key_env")}}


async def _freqtrade(
    answer: Answer,
    name: str,
    user: str,
    secrets: dict[str, str],
    chosen: Chosen,
    console: Console,
    environ: Mapping[str, str],
) -> Mapping[str, object]:
    """Its source and control, with a user and a password that it takes. Errors: SetupError."""
    variable = _variable(name, "PASSWORD", chosen)
    password = environ.get(variable, "")
    for _ in range(TRIES):
        user = user or console.ask("Its api_server username", f"--agent {name}=http://USER@HOST:PORT")
        password = password or console.secret("Its api_server password", variable)
        refused = await login(answer.url, user, password)
        if refused is None:
            secrets[variable] = password
            table = {"kind": "freqtrade", "url": answer.url, "username": user, "password_env": variable}
            return {"source": table, "control": dict(table)}
        console.say(f"  {refused}")
        if not console.interactive:
            raise SetupError(f"{name}: {refused} ({variable}).")
        user = password = ""
    raise SetupError(f"{name} took no user name and password in {TRIES} tries.")


def _fields(answer: Answer, console: Console) -> Mapping[str, str]:
    """Which of its figures are the balance and the profit. Errors: SetupError (nobody is there to say it)."""
    if not console.interactive:
        raise SetupError(f"What is what in the JSON of {plain(answer.url, 100)} only a person knows: {_AT_TERMINAL}.")
    console.say(f"  its figures: {', '.join(f'{path} ({value:g})' for path, value in answer.figures.items())}")
    fields = {}
    asked = (
        ("balance", "Which is its balance", ("balance", "equity")),
        ("pnl_24h", "Which is its profit of 24 h (or none)", ("pnl", "profit")),
    )
    for field, question, words in asked:
        usual = next((path for path in answer.figures if any(each in path.lower() for each in words)), "none")
        path = console.ask(question, "--agent", usual)
        if path in answer.figures:
            fields[field] = path
    return fields


def _variable(name: str, what: str, chosen: Chosen) -> str:
    """A variable that nobody has yet."""
    base = f"{re.sub(r'[^A-Z0-9]', '_', name.upper())}_{what}"
    return base if base not in chosen.secrets else f"{base}_{len(chosen.secrets)}"
