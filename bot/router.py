"""Every command line goes one way: who, may they, are they sure, the command, the audit, the answer."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

import structlog

from bot.access import Access
from bot.chat import Button, Invocation, Message, Reply, Tone
from bot.command import Command, Context, Role, UsageError
from bot.confirm import WAITS, Question, Questions
from bot.format import plain
from bot.line import BUTTON_BYTES, LONGEST, button, split
from bot.voice import Voice
from monitor.desk import Desk, DeskError
from monitor.mail import Inbox, Mail
from monitor.model import Person
from monitor.ports import AuditEntry, StoreError

Audit = Callable[[AuditEntry], Awaitable[None]]

STALE = 60.0
"""Seconds after which an order that was given is no longer carried out without asking again."""
HINT_EVERY = 60.0
"""Seconds before a stranger is told again why nothing happens."""
_STRANGERS = 1_000
_HELP = Button("Help", "help")
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Answer:
    outcome: str
    message: Message
    detail: str = ""


class Router:
    """Runs command lines; its `handle` is what platforms call.

    `audit` stores one entry; while it fails, nothing that changes anything is done. `platforms` tells the state of
    each chat in words. `at_once` bounds the lines of one person that are under way.
    """

    def __init__(
        self,
        commands: Mapping[str, Command],
        access: Access,
        desk: Desk,
        audit: Audit,
        platforms: Callable[[], Mapping[str, str]] = dict,
        *,
        inbox: Inbox | None = None,
        mail: Mail | None = None,
        at_once: int = 16,
        questions: Questions | None = None,
    ) -> None:
        own = (
            Command(
                "confirm", "/confirm CODE", "Say yes to a question the desk asked you.", Role.VIEWER, self._yes, None
            ),
            Command("cancel", "/cancel CODE", "Say no to a question the desk asked you.", Role.VIEWER, self._no, None),
        )
        self.commands: Mapping[str, Command] = {**commands, **{each.name: each for each in own}}
        self._access = access
        self._desk = desk
        self._audit = audit
        self._platforms = platforms
        self._inbox = inbox
        self._mail = mail
        self._at_once = at_once
        self._questions = questions or Questions()
        self._busy: Counter[tuple[str, str]] = Counter()
        self._hinted: dict[tuple[str, str], float] = {}

    async def handle(self, invocation: Invocation, reply: Reply) -> None:
        """Run one line and answer it. Never raises for anything a person, a command or a chat does."""
        asker = (invocation.platform, invocation.user)
        voice = Voice(reply)
        self._busy[asker] += 1
        try:
            message = await self._answer(invocation, voice)
            if message is not None:
                await voice.say(message)
            await voice.finish()
        finally:
            voice.drop()
            self._busy[asker] -= 1
            if not self._busy[asker]:
                del self._busy[asker]

    async def _answer(self, invocation: Invocation, voice: Voice) -> Message | None:
        if not await self._first(invocation):
            return None
        known = self._access.who(invocation.platform, invocation.user)
        crowded = self._busy[invocation.platform, invocation.user] > self._at_once
        if known is None:
            if crowded:
                return None
            await self._record(invocation, None, "denied", "not one of the desk's people")
            return self._hint(invocation)
        person, role = known
        words = split(invocation.line[: LONGEST + 1])
        name = words[0].removeprefix("/").lower() if words else ""
        command = self.commands.get(name)
        bound = self._bounded(invocation, crowded)
        if bound is None and command is not None:
            states = dict(self._platforms())
            about = await self._about(invocation)
            ctx = Context(
                self._desk, person, role, words[1:], invocation, voice.say, self.commands, states, about, self._mail
            )
            return await self._dispatch(command, ctx)
        answer = bound or self._unknown(name, role, words[1:])
        await self._record(invocation, person, answer.outcome, answer.detail)
        return answer.message

    async def _first(self, invocation: Invocation) -> bool:
        """Whether a line is not merely delivered again; when nobody can tell, it counts as new."""
        if self._inbox is None or not invocation.event:
            return True
        try:
            return await self._inbox.first(invocation.platform, invocation.event, self._desk.now())
        except StoreError as error:
            log.warning("a line may be delivered twice", error=str(error))
            return True

    async def _about(self, invocation: Invocation) -> str | None:
        if self._inbox is None or invocation.about is None:
            return None
        try:
            return await self._inbox.alert_at(invocation.platform, invocation.about.pack())
        except StoreError as error:
            log.warning("a card was not looked up", error=str(error))
            return None

    def _bounded(self, invocation: Invocation, crowded: bool) -> _Answer | None:
        """The refusal of what is too much; None to go on."""
        if crowded:
            text = f"{self._at_once} of your commands are still under way. Wait for one of them to end."
            return _Answer("refused", _refusal(text), "too many at once")
        if len(invocation.line) > LONGEST:
            text = f"The line has {len(invocation.line):,} characters; {LONGEST:,} are the most. Say it shorter."
            return _Answer("refused", _refusal(text), "too long")
        return None

    async def _dispatch(self, command: Command, ctx: Context, *, sure: bool = False) -> Message:
        answer = await self._attempt(command, ctx, sure)
        await self._record(ctx.invocation, ctx.person, answer.outcome, answer.detail)
        return answer.message

    async def _attempt(self, command: Command, ctx: Context, sure: bool) -> _Answer:
        if ctx.role < command.role:
            return self._denied(command, ctx.role)
        try:
            return await self._run(command, ctx, sure)
        except UsageError as error:
            text = f"{_sentence(error)}\nUsage: {command.usage}"
            help_ = Button(f"Help for /{command.name}", f"help {command.name}")
            return _Answer("refused", _refusal(text, help_), plain(str(error), 200))
        except DeskError as error:
            return _Answer("refused", _refusal(_sentence(error)), plain(str(error), 200))
        except Exception as error:
            log.exception("a command failed", command=command.name)
            return _failed(command, error, changes=command.acts(ctx))

    async def _run(self, command: Command, ctx: Context, sure: bool) -> _Answer:
        changes = command.acts(ctx)
        if changes and self._desk.now() - ctx.invocation.time > STALE and not sure:
            return self._late(ctx)
        question = command.confirm(ctx) if command.confirm and not sure else None
        if question is not None:
            return self._ask(question, command, ctx)
        if changes and not await self._record(ctx.invocation, ctx.person, "started"):
            text = "The audit trail cannot be written, so this was not done. Look at the desk's log."
            return _Answer("refused", _refusal(text), "no audit")
        message = await command.run(ctx)
        return _Answer("ran", message, plain(message.title, 200))

    def _late(self, ctx: Context) -> _Answer:
        line = ctx.invocation.line.removeprefix("/")
        again = (Button("Do it now", line),) if len(line.encode()) <= BUTTON_BYTES else ()
        text = "It came so late that it was not carried out. If it still holds, give it again."
        return _Answer(
            "refused", Message(f"Not done: /{plain(line, 80)}", text, buttons=again, tone=Tone.WARN), "stale"
        )

    def _ask(self, asked: str | Message, command: Command, ctx: Context) -> _Answer:
        question = Message(asked) if isinstance(asked, str) else asked
        expires = self._desk.now() + WAITS
        code = self._questions.put(Question(command, ctx.args, ctx.invocation, ctx.person.name, expires))
        wait = f"{ctx.person.name}, answer within {WAITS:.0f} s. Nothing has been done yet."
        message = replace(
            question,
            text="\n".join(filter(None, (question.text, wait))),
            buttons=(Button(f"Yes, {command.name}", f"confirm {code}"), Button("No", f"cancel {code}")),
            tone=Tone.WARN,
        )
        return _Answer("asked", message, plain(question.title, 200))

    async def _yes(self, ctx: Context) -> Message:
        question = self._answered(ctx)
        asked = replace(ctx, args=question.args, invocation=question.invocation)
        return await self._dispatch(question.command, asked, sure=True)

    async def _no(self, ctx: Context) -> Message:
        question = self._answered(ctx)
        return Message(f"/{question.command.name} was not done", tone=Tone.OVER)

    def _answered(self, ctx: Context) -> Question:
        if len(ctx.args) != 1:
            raise UsageError("say the one code that the question came with")
        return self._questions.take(ctx.args[0], ctx.person.name, ctx.invocation.platform, self._desk.now())

    def _unknown(self, name: str, role: Role, args: tuple[str, ...]) -> _Answer:
        allowed = [each.name for each in self.commands.values() if each.role <= role]
        near = difflib.get_close_matches(name, allowed, n=1)
        meant = button(f"/{near[0]}", near[0], *args) or (Button(f"/{near[0]}", near[0]),) if near else ()
        title = f"There is no command /{plain(name, 40)}" if name else "Say a command, for example /status"
        text = f"Did you mean /{near[0]}?" if near else "/help lists what you can do."
        return _Answer("unknown", Message(title, text, buttons=(*meant, _HELP)))

    def _denied(self, command: Command, role: Role) -> _Answer:
        needs, has = command.role.name.lower(), role.name.lower()
        text = f"/{command.name} needs the role {needs}, and you are {has}. {self._admins()} can change it."
        return _Answer("denied", _refusal(text), f"needs {needs}")

    def _hint(self, invocation: Invocation) -> Message | None:
        stranger, now = (invocation.platform, invocation.user), self._desk.now()
        if now - self._hinted.get(stranger, -HINT_EVERY) < HINT_EVERY:
            return None
        self._hinted.pop(stranger, None)
        self._hinted[stranger] = now
        while len(self._hinted) > _STRANGERS:
            del self._hinted[next(iter(self._hinted))]
        platform, user = plain(invocation.platform, 40), plain(invocation.user, 80)
        text = (
            f"Nothing was done. Your {platform} id is {user}. {self._admins()} can add it to the settings, under your "
            f'entry in [[people]]: {platform} = "{user}". Then restart the desk.'
        )
        return Message("This desk does not know you", text, private=True)

    def _admins(self) -> str:
        return " or ".join(self._access.admins) or "An admin"

    async def _record(self, invocation: Invocation, person: Person | None, outcome: str, detail: str = "") -> bool:
        """Whether the entry was stored."""
        entry = AuditEntry(
            time=self._desk.now(),
            platform=invocation.platform,
            user=plain(invocation.user, 80),
            person=person.name if person else None,
            line=plain(invocation.line, LONGEST),
            outcome=outcome,
            detail=detail,
        )
        try:
            await self._audit(entry)
        except Exception:
            log.exception("an audit entry was not stored", outcome=outcome)
            return False
        return True


def _sentence(error: Exception) -> str:
    """An error's message as a sentence: a capital, a full stop."""
    text = plain(str(error), 500)
    return f"{text[:1].upper()}{text[1:]}" + ("" if text.endswith((".", "?", "!")) else ".")


def _refusal(text: str, *buttons: Button) -> Message:
    return Message("Not done", text, buttons=buttons)


def _failed(command: Command, error: Exception, *, changes: bool) -> _Answer:
    """Say what is known: the sentence of a store that failed, and whether anything can have changed."""
    stored = isinstance(error, StoreError)
    what = f"The desk's database failed: {_sentence(error)}" if stored else "The desk's log has the details."
    doubt = "Whether it took effect is not known: look with /status." if changes else "It changes nothing."
    message = Message(f"/{command.name} failed", f"{what} {doubt}", tone=Tone.WARN)
    return _Answer("failed", message, plain(str(error), 200) if stored else type(error).__name__)
