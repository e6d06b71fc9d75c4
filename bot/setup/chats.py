"""Tokens are tried at once, and the chat that is paged is found by a command that somebody writes in it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence

import yaml

from bot.chat import Found
from bot.format import plain
from bot.platforms.slack.manifest import manifest
from bot.platforms.telegram.examine import HOOKED
from bot.settings import console_user
from bot.setup import finding, writing
from bot.setup.asking import Console, SetupError
from bot.setup.finding import Heard, NotFoundError
from bot.setup.options import Options
from bot.setup.writing import Chosen, Person
from monitor.alerts.plan import DUTY, EVERYBODY

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
NAME = re.compile(r"\w[\w .'-]{0,39}")
_CHAT, _CHANNEL = re.compile(r"-?\d{1,18}"), re.compile(r"[CDG][A-Z0-9]{2,30}")


async def telegram(chosen: Chosen, options: Options, console: Console, environ: Mapping[str, str]) -> None:
    """Choose token and chat of Telegram, and who is an admin there. Errors: SetupError."""
    chosen.telegram = _given(options.telegram_chat, _CHAT, "--telegram-chat -1001234567890")
    console.say(BOTFATHER if console.interactive else "Telegram:")

    async def judge(token: str) -> list[Found]:
        return await finding.telegram_token(token, options.telegram_url)

    token, found = await _token("The bot's token", "TELEGRAM_TOKEN", judge, console, environ)
    chosen.secrets["TELEGRAM_TOKEN"] = token
    if chosen.telegram is not None:
        return
    if not console.interactive:  # else whoever writes first would be an admin, and nobody is there to say no
        raise SetupError("Which chat is paged in Telegram: give it by --telegram-chat.")
    hooked = any(each.deaf == HOOKED for each in found)
    if hooked and not console.sure("Remove that webhook, so that the desk hears what is written?"):
        raise SetupError("With a webhook nothing is heard here: remove it, make another bot, or give --telegram-chat.")
    try:
        await finding.forget(token, options.telegram_url, unhook=hooked)
    except NotFoundError as error:
        raise SetupError(f"{error}.") from None
    console.say(f"\nNow write /start@{_called(found)} in the chat that is to be paged; it is waited for.")

    async def listen() -> Heard:
        return await finding.in_telegram(token, options.telegram_url, lambda said: console.say(f"  note  {said}"))

    heard = await _heard(listen, _anywhere, "--telegram-chat", console)
    chosen.telegram, chosen.topic = heard.chat, heard.topic
    _join(chosen, "telegram", heard, console)


async def slack(chosen: Chosen, options: Options, console: Console, environ: Mapping[str, str]) -> None:
    """Choose tokens and channel of Slack, and who is an admin there. Errors: SetupError."""
    chosen.slack = _given(options.slack_channel, _CHANNEL, "--slack-channel C0123456789")
    app_page = f"{APP}\n{yaml.safe_dump(manifest(), sort_keys=False, allow_unicode=True)}{TOKENS}"
    console.say(app_page if console.interactive else "Slack:")
    bot, app, found = await _slack_tokens(options, console, environ)
    chosen.secrets |= {"SLACK_BOT_TOKEN": bot, "SLACK_APP_TOKEN": app}
    if chosen.slack is not None:
        return
    if not console.interactive:
        raise SetupError("Which channel is paged in Slack: give it by --slack-channel.")
    console.say(f"\nNow write `@{_called(found)} hello` in the channel that is to be paged; it is waited for.")

    async def listen() -> Heard:
        return await finding.in_slack(bot, app, options.slack_url)

    async def judge(heard: Heard) -> list[Found]:
        return await finding.slack_channel(bot, options.slack_url, heard.chat)

    heard = await _heard(listen, judge, "--slack-channel", console)
    chosen.slack = heard.chat
    _join(chosen, "slack", heard, console)


async def _slack_tokens(
    options: Options, console: Console, environ: Mapping[str, str]
) -> tuple[str, str, Sequence[Found]]:
    """Both tokens, and what was found of them. Errors: SetupError."""
    first = ""

    async def judge(token: str) -> list[Found]:
        return await finding.slack_tokens(first or token, token if first else "", options.slack_url)

    async def judge_bot(token: str) -> list[Found]:
        return [each for each in await judge(token) if "SLACK_APP_TOKEN" not in each.sentence]

    first, _ = await _token("The bot token (xoxb-)", "SLACK_BOT_TOKEN", judge_bot, console, environ)
    app, found = await _token("The app-level token (xapp-)", "SLACK_APP_TOKEN", judge, console, environ)
    return first, app, found


def _given(value: str | None, shape: re.Pattern[str], example: str) -> str | None:
    """What a flag says, if it has the shape of it. Errors: SetupError."""
    if value and not shape.fullmatch(value):
        raise SetupError(f"{plain(value, 40)} is no id: write {example}.")
    return value or None


def _called(found: Sequence[Found]) -> str:
    """The name of the bot that a token is of."""
    return next((each.sentence.partition("@")[2].split()[0] for each in found if "@" in each.sentence), "the_bot")


async def _anywhere(_heard: Heard) -> list[Found]:
    """No chat in which the bot hears something is wrong."""
    return []


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
        _told(found, console)
        if all(each.fine is not False for each in found):
            return token, found
        if not console.interactive:
            raise SetupError(
                f"{variable} cannot be used: {next(each.sentence for each in found if each.fine is False)}."
            )
        token = ""
    raise SetupError(f"{variable} was not taken {TRIES} times.")


async def _heard(
    listen: Callable[[], Awaitable[Heard]],
    judge: Callable[[Heard], Awaitable[list[Found]]],
    flag: str,
    console: Console,
) -> Heard:
    """Who gave a command where, once a person says that it is right. Errors: SetupError."""
    for _ in range(TRIES):
        try:
            heard = await listen()
        except NotFoundError as error:
            _told([Found(False, str(error))], console)
            if not console.sure("Listen again?"):
                break
            continue
        where, who = plain(heard.where, 60), plain(heard.display, 60)
        topic = f", topic {heard.topic}" if heard.topic is not None else ""
        console.say(f"  heard {who} ({plain(heard.user, 40)}) in {where} ({plain(heard.chat, 40)}{topic})")
        found = await judge(heard)
        _told(found, console)
        if all(each.fine is not False for each in found) and console.sure("Is that the chat to page, and you?"):
            return heard
        console.say("Write it again where it belongs; it is waited for.")
    raise SetupError(f"The chat was not found: start again, or give its id by {flag}.")


def _told(found: Sequence[Found], console: Console) -> None:
    for each in found:
        console.say(f"  {'ok  ' if each.fine else 'fail' if each.fine is False else 'note'}  {each.sentence}")


def _join(chosen: Chosen, chat: str, heard: Heard, console: Console) -> None:
    """Make whoever was heard an admin, under the name they want."""
    known = next((each for each in chosen.people if each.ids.get(chat) == heard.user), None)
    if known is not None:
        return
    first = heard.display.split()[0].lower() if heard.display not in ("", heard.user) else console_user()
    usual = chosen.people[0].name if chosen.people else re.sub(r"[^\w.'-]", "", first) or "ana"
    called = name(console, "Your name, as it stands in acknowledgements", usual)
    chosen.people = writing.merged(chosen.people, Person(called, "admin", {chat: heard.user}))


def name(console: Console, question: str, usual: str | None) -> str:
    """Ask for a person's name until it is one. Errors: SetupError."""
    while not NAME.fullmatch(said := console.ask(question, "--person", usual)) or said in (DUTY, EVERYBODY):
        console.say(f"  letters, digits and spaces, at most 40, and not {DUTY} or {EVERYBODY}")
    return said
