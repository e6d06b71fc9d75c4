"""`nightdesk init`: chats, people and agents, one after the other, each checked at once; written only at the end."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from bot.chat import Found
from bot.check import check
from bot.format import plain
from bot.platforms.slack.manifest import manifest
from bot.settings import console_user, envfile, load
from bot.setup import agents, finding, writing
from bot.setup.asking import Console, SetupError
from bot.setup.finding import Heard, NotFoundError
from bot.setup.writing import Chosen, Person
from bot.wiring import discover_platforms, looking
from monitor.storage.lock import holder

BOTFATHER = """
Telegram: open @BotFather there, send /newbot, and take the token that it answers with. One bot, one program: not the
bot that freqtrade or another desk uses. Then add it to the group that is to be paged, or write to it in private."""
APP = """
Slack: at api.slack.com/apps choose Create New App, From a manifest, and paste this:
"""
TOKENS = """
Then Install App gives the Bot User OAuth Token (xoxb-), and Basic Information, App-Level Tokens, Generate, with the
scope connections:write, the other one (xapp-). Invite the app into the channel: /invite @nightdesk"""
TRIES = 5
_NAME = re.compile(r"\w[\w .'-]{0,39}")
_PERSON = re.compile(r"(?P<name>[^:=]+):(?P<role>viewer|operator|admin)(?P<ids>(?::(?:telegram|slack)=[A-Z0-9]+)*)")


@dataclass
class Options:
    """What flags said; None or empty: is asked."""

    file: Path
    telegram: bool | None = None
    slack: bool | None = None
    telegram_chat: str | None = None
    slack_channel: str | None = None
    people: list[str] = field(default_factory=list)
    agents: list[str] = field(default_factory=list)
    telegram_url: str = writing.TELEGRAM
    slack_url: str = writing.SLACK
    test: bool = True
    wait: float = 120.0


async def run(options: Options, console: Console, environ: Mapping[str, str]) -> int:
    """Set a desk up; 0 when its test page was acknowledged, or none was wanted. Errors: SetupError."""
    _free(options.file, console)
    chosen = Chosen(telegram_url=options.telegram_url, slack_url=options.slack_url)
    for text in options.people:
        chosen.people = writing.merged(chosen.people, _person(text))
    wants = _chats(options, console)
    if "telegram" in wants:
        await _telegram(chosen, options, console, environ)
    if "slack" in wants:
        await _slack(chosen, options, console, environ)
    _console(chosen, console)
    await agents.collect(chosen, options.agents, console, environ)
    if not console.sure(f"Write {options.file.name}?"):
        raise SetupError("Nothing was written.")
    _write(options.file, chosen, console)
    return await _proved(options, console, environ)


def _free(file: Path, console: Console) -> None:
    """Refuse where a desk runs, or where settings stand that nobody wants to replace. Errors: SetupError."""
    pid = holder(file.absolute().parent / "nightdesk.db")
    if pid is not None:
        raise SetupError(f"A desk runs here already (pid {pid}): stop it first, or set up another in another folder.")
    if file.exists() and not (console.interactive and console.sure(f"{file} exists. Replace it?", default=False)):
        raise SetupError(f"{file} exists and is left alone: move it away, or name another by --settings.")


def _chats(options: Options, console: Console) -> set[str]:
    named = {"telegram": options.telegram, "slack": options.slack}
    if options.telegram_chat:
        named["telegram"] = True
    if options.slack_channel:
        named["slack"] = True
    if any(each is not None for each in named.values()) or not console.interactive:
        wants = {name for name, wanted in named.items() if wanted}
        if not wants:
            raise SetupError("Which chats are paged: give it by --telegram or --slack.")
        return wants
    while True:
        said = console.ask(
            "Which chats are paged: telegram, slack or both", "--telegram or --slack", "telegram"
        ).lower()
        if said in ("telegram", "slack", "both"):
            return {"telegram", "slack"} if said == "both" else {said}


async def _telegram(chosen: Chosen, options: Options, console: Console, environ: Mapping[str, str]) -> None:
    console.say(BOTFATHER)

    async def judge(token: str) -> list[Found]:
        return await finding.telegram_token(token, options.telegram_url)

    token, found = await _token("The bot's token", "TELEGRAM_TOKEN", judge, console, environ)
    chosen.secrets["TELEGRAM_TOKEN"] = token
    if options.telegram_chat:
        chosen.telegram = options.telegram_chat
        return
    bot = next((each.sentence.partition("@")[2] for each in found if "@" in each.sentence), "")
    command = f"/start@{bot.split()[0]}" if bot else "/start"
    console.say(f"\nNow write {command} in the chat that is to be paged; it is waited for.")
    heard = await _heard(lambda: finding.in_telegram(token, options.telegram_url), console)
    chosen.telegram = heard.chat
    _join(chosen, "telegram", heard, console)


async def _slack(chosen: Chosen, options: Options, console: Console, environ: Mapping[str, str]) -> None:
    console.say(f"{APP}\n{yaml.safe_dump(manifest(), sort_keys=False, allow_unicode=True)}{TOKENS}")
    first = ""

    async def judge(token: str) -> list[Found]:
        return await finding.slack_tokens(first or token, token if first else "", options.slack_url)

    async def judge_bot(token: str) -> list[Found]:
        return [each for each in await judge(token) if "SLACK_APP_TOKEN" not in each.sentence]

    bot, _ = await _token("The bot token (xoxb-)", "SLACK_BOT_TOKEN", judge_bot, console, environ)
    first = bot
    app, _ = await _token("The app-level token (xapp-)", "SLACK_APP_TOKEN", judge, console, environ)
    chosen.secrets |= {"SLACK_BOT_TOKEN": bot, "SLACK_APP_TOKEN": app}
    if options.slack_channel:
        chosen.slack = options.slack_channel
        return
    console.say("\nNow write `@nightdesk hello` in the channel that is to be paged; it is waited for.")
    heard = await _heard(lambda: finding.in_slack(bot, app, options.slack_url), console)
    chosen.slack = heard.chat
    _join(chosen, "slack", heard, console)


async def _token(
    question: str,
    variable: str,
    judge: Callable[[str], Awaitable[list[Found]]],
    console: Console,
    environ: Mapping[str, str],
) -> tuple[str, list[Found]]:
    """A token that is taken, and what was found of it; one of the environment is tried first. Errors: SetupError."""
    token = environ.get(variable, "").strip()
    for _ in range(TRIES):
        if not token:
            token = console.secret(question, variable)
        found = await judge(token)
        for each in found:
            console.say(f"  {'ok  ' if each.fine else 'fail' if each.fine is False else 'note'}  {each.sentence}")
        if all(each.fine is not False for each in found):
            return token, found
        if not console.interactive:
            raise SetupError(
                f"{variable} cannot be used: {next(each.sentence for each in found if each.fine is False)}."
            )
        token = ""
    raise SetupError(f"{variable} was not taken {TRIES} times.")


async def _heard(listen: Callable[[], Awaitable[Heard]], console: Console) -> Heard:
    """Who gave a command where, once a person says that it is right. Errors: SetupError."""
    for _ in range(TRIES):
        try:
            heard = await listen()
        except NotFoundError as error:
            raise SetupError(f"{error}: try again, or give the ids by their flags.") from None
        where, who = plain(heard.where, 60), plain(heard.display, 60)
        console.say(f"  heard {who} ({plain(heard.user, 40)}) in {where} ({plain(heard.chat, 40)})")
        if console.sure("Is that the chat to page, and you"):
            return heard
        console.say("Write it again where it belongs; it is waited for.")
    raise SetupError("The chat was not found.")


def _join(chosen: Chosen, chat: str, heard: Heard, console: Console) -> None:
    """Make whoever was heard an admin, under the name they want."""
    known = chosen.people[0].name if chosen.people else ""
    usual = known or re.sub(r"[^\w .'-]", "", heard.display.split()[0].lower() if heard.display else "") or "ana"
    name = console.ask("Your name, as it stands in acknowledgements", "--person", usual)
    while not _NAME.fullmatch(name):
        name = console.ask("Letters only, at most 40. Your name", "--person", "ana")
    chosen.people = writing.merged(chosen.people, Person(name, "admin", {chat: heard.user}))


def _console(chosen: Chosen, console: Console) -> None:
    """Let whoever set it up give orders at its terminal too. Errors: SetupError (nobody may give any)."""
    if not chosen.people:
        name = console.ask("Your name", "--person")
        chosen.people = [Person(name if _NAME.fullmatch(name) else "ana")]
    if not any("console" in each.ids for each in chosen.people):
        chosen.people[0].ids["console"] = console_user()


def _person(text: str) -> Person:
    """Read ana:admin:telegram=1001:slack=U0ANA. Errors: SetupError."""
    found = _PERSON.fullmatch(text)
    if found is None or not _NAME.fullmatch(found["name"]):
        raise SetupError(f"{plain(text, 60)} is no person: write --person ana:admin:telegram=1001.")
    pairs = [each.partition("=")[::2] for each in found["ids"].split(":") if each]
    return Person(found["name"], found["role"], dict(pairs))


def _write(file: Path, chosen: Chosen, console: Console) -> None:
    try:
        kept = writing.write(file.absolute().parent, file.name, chosen)
    except OSError as error:
        raise SetupError(f"{file} cannot be written: {error.strerror}.") from None
    for each in kept:
        console.say(f"  what was there is kept as {each.name}")
    secrets = f" and {envfile.NAME}, which only you can read" if chosen.secrets else ""
    console.say(f"\nWritten: {file.name}{secrets}.")


async def _proved(options: Options, console: Console, environ: Mapping[str, str]) -> int:
    """Check everything that was written, and send a test page that somebody acknowledges."""
    file = options.file.absolute()
    settings = load(file, {**envfile.read(file.with_name(envfile.NAME)), **environ})
    async with looking(settings) as (fetch, reach):
        chats = [each for each in discover_platforms(settings) if each.name != "console"] if options.test else None
        code = await check(settings, fetch, reach, console.say, send=chats, wait=options.wait)
    settled = (
        "Set up." if code == 0 else "Set up, and something is left to mend: see above, then `nightdesk check --send`."
    )
    console.say(f"\n{settled} Start the desk: nightdesk run")
    return code
