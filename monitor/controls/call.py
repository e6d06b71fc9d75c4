"""Any HTTP call by template: what stands in braces is put in by its own encoder, never pasted."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import httpx
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from monitor.controls._http import Call, accepted, ask, fault
from monitor.model import Agent
from monitor.outside import Key, line
from monitor.ports import AgentControl, ControlError

WORDS = ("agent", "by", "reason")
"""What may stand in braces."""
ACTIONS = ("pause", "stop", "resume", "close", "restart")
USUAL = "whatever its call does: it is done only when the agent reports it"
FORM = "application/x-www-form-urlencoded"
OURS = ("connection", "content-length", "host", "transfer-encoding")
"""Headers that follow from the call itself."""
_BRACES = re.compile(r"\{([A-Za-z_]+)\}")
_SHAPED = re.compile(r"\s*[\[{<\"]")
"""How a text begins that is read by rules, in which nothing may be pasted."""


def _place(url: str) -> str:
    """An address whose host and path are fixed; values of its query may hold words in braces."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.password:
        raise ValueError("must be an address like http://127.0.0.1:9001/off, without a password in it")
    if not url.isascii() or not url.isprintable() or " " in url or parts.fragment:
        raise ValueError("must hold no spaces and no #")
    if parts.port == 0:  # a larger one than there are is refused by reading it
        raise ValueError("must have a port between 1 and 65535")
    try:
        parts.hostname.encode("idna")
    except UnicodeError:
        raise ValueError("must have a host name without empty or overlong parts") from None
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    if _BRACES.search("\n".join((parts.netloc, parts.path, *(name for name, _ in pairs)))):
        raise ValueError("may hold words in braces only as values of its query, like ?by={by}")
    for _, value in pairs:
        _check(value)
    return url


def _checked(body: Any) -> Any:
    """A body whose texts hold only words that are known; a text of JSON as the object or list that it is."""
    read = _read(body) if isinstance(body, str) else None
    body = read if isinstance(read, dict | list) else body
    _known(body)
    return body


def _known(value: Any) -> None:
    if isinstance(value, str):
        _check(value)
    if isinstance(value, dict):
        if any(_BRACES.search(name) for name in value):
            raise ValueError("may hold words in braces only in its values")
        for each in value.values():
            _known(each)
    if isinstance(value, list):
        for each in value:
            _known(each)


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _check(text: str) -> None:
    for found in _BRACES.finditer(text):
        if found[1] not in WORDS:
            raise ValueError(f"{found[0]} is not known: there is {', '.join(f'{{{each}}}' for each in WORDS)}")


def _headers(headers: dict[str, str]) -> dict[str, str]:
    names = [name.lower() for name in headers]
    if len(set(names)) < len(names) or set(names) & set(OURS):
        raise ValueError(f"must name each header once, and none of {', '.join(OURS)}")
    if any(found[1] in WORDS for value in headers.values() for found in _BRACES.finditer(value)):
        raise ValueError("may hold no words in braces: write them into the body or the query")
    return headers


_Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
_Value = Annotated[str, Field(pattern=r"^(?:[!-~](?:[ -~]{0,998}[!-~])?)?$")]


class Template(BaseModel):
    """One call."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: Annotated[str, AfterValidator(_place)]
    method: Literal["POST", "PUT", "PATCH", "DELETE", "GET"] = "POST"
    headers: Annotated[dict[_Name, _Value], AfterValidator(_headers), Field(repr=False)] = {}
    body: Annotated[Any, AfterValidator(_checked)] = None
    """JSON, as it is or as a text of it; a form, if its Content-Type says so; else a plain text; None: none."""
    expect: Annotated[tuple[Annotated[int, Field(ge=100, le=599)], ...], Field(max_length=20)] = ()
    """Statuses that are an acceptance; empty: all from 200 to 299."""

    @property
    def kind(self) -> str:
        """The Content-Type that somebody wrote, without its parameters; empty if nobody did."""
        written = next((value for name, value in self.headers.items() if name.lower() == "content-type"), "")
        return written.partition(";")[0].strip().lower()

    @model_validator(mode="after")
    def _encodable(self) -> Self:
        """Words are put only into what there is an encoder for."""
        text = self.body if isinstance(self.body, str) else ""
        if self.kind == FORM and not isinstance(self.body, str):
            raise ValueError('a form is written as a text, like body = "note={reason}&on=0"')
        if self.kind == FORM and any(_BRACES.search(name) for name, _ in parse_qsl(text, keep_blank_values=True)):
            raise ValueError("a form may hold words in braces only in its values")
        if self.kind != FORM and _BRACES.search(text) and (_SHAPED.match(text) or self.kind not in ("", "text/plain")):
            raise ValueError("words in braces need a body that is JSON, a form or plain text")
        return self


class Options(BaseModel):
    """Settings of one agent's calls; seconds where it is time."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    pause: Template | None = None
    stop: Template | None = None
    resume: Template | None = None
    close: Template | None = None
    restart: Template | None = None
    means: Annotated[str, Field(pattern=r"^[^\x00-\x1f]{1,200}$")] = USUAL
    """What a pause means there: whether entries and increases stop, whether positions are kept."""
    key: Key | None = None
    key_env: str | None = None
    """Name of the environment variable that holds the key, for sentences about it."""
    key_header: _Name | None = None
    """Header that carries the key as it is; without it, it is a bearer's in Authorization."""
    timeout: Annotated[float, Field(gt=0, le=60)] = 5.0
    """Seconds the call may take."""

    @property
    def calls(self) -> dict[str, Template]:
        """Action -> its call, of those that are written."""
        known = {name: getattr(self, name) for name in ACTIONS}
        return {name: each for name, each in known.items() if each is not None}

    @model_validator(mode="after")
    def _whole(self) -> Self:
        """There is something to call, and the key stands in a header of its own."""
        if not self.calls:
            raise ValueError("needs a call: write at least pause = { url = ... }")
        name = (self.key_header or "Authorization").lower()
        if self.key is not None and any(name == each.lower() for one in self.calls.values() for each in one.headers):
            raise ValueError(f"the header {name} carries the key: take it out of headers")
        return self


def build(options: Options) -> AgentControl:
    """Build the control of one agent."""
    return CallControl(options)


class CallControl:
    """Gives one agent orders by calls that somebody wrote down."""

    kind = "call"

    def __init__(self, options: Options) -> None:
        self._options = options
        self._templates: Mapping[str, Template] = options.calls
        self.abilities: Mapping[str, str] = {
            name: options.means if name in ("pause", "stop") else USUAL for name in self._templates
        }

    async def reach(self, agent: Agent) -> None:  # noqa: ARG002 - the port's shape
        """See whether anybody listens there, without giving an order. Errors: ControlError."""
        parts = urlsplit(next(iter(self._templates.values())).url)
        call = Call("HEAD", f"{parts.scheme}://{parts.netloc}/", {})
        try:
            async with asyncio.timeout(self._options.timeout):
                await ask(call, self._options.timeout, None)
        except (TimeoutError, httpx.HTTPError):
            raise ControlError("cannot be reached at its url: no order would get there") from None

    async def send(self, agent: Agent, action: str, by: str, reason: str) -> str:
        """Make the call of one of the abilities; return what was said. Errors: ControlError."""
        template = self._templates.get(action)
        if template is None:
            raise ControlError(f"cannot be ordered to {line(action, 32)}: it takes {', '.join(self._templates)}")
        words = {"agent": agent.id, "by": line(by, 100), "reason": line(reason, 500)}
        within = self._options.timeout
        try:
            async with asyncio.timeout(within):
                status, said = await ask(self._call(template, words), within, self._options.key)
        except (TimeoutError, httpx.HTTPError) as error:
            raise fault(error, within) from None
        return accepted(status, said, urlsplit(template.url).path.lstrip("/"), template.expect, self._options.key_env)

    async def state(self, agent: Agent) -> str | None:  # noqa: ARG002 - the port's shape
        """Nothing: the agent itself reports it."""
        return None

    async def logs(self, agent: Agent, lines: int) -> tuple[str, ...]:  # noqa: ARG002 - the port's shape
        """Refuse. Errors: ControlError."""
        raise ControlError("gives no log lines: add a pm2 or systemd control, or look on its machine")

    def _call(self, template: Template, words: Mapping[str, str]) -> Call:
        parts = urlsplit(template.url)
        url, body = urlunsplit(parts._replace(query=_pairs(parts.query, words))), template.body
        if isinstance(body, str):
            plain = {} if template.kind else {"Content-Type": "text/plain; charset=utf-8"}
            text = _pairs(body, words) if template.kind == FORM else _put(body, words)
            return Call(template.method, url, {**plain, **template.headers, **self._key()}, content=text)
        return Call(template.method, url, {**template.headers, **self._key()}, json=_inside(body, words))

    def _key(self) -> dict[str, str]:
        key, name = self._options.key, self._options.key_header
        if key is None:
            return {}
        value = key.get_secret_value()
        return {name: value} if name is not None else {"Authorization": f"Bearer {value}"}


def _put(text: str, words: Mapping[str, str]) -> str:
    return _BRACES.sub(lambda found: words[found[1]], text)


def _pairs(text: str, words: Mapping[str, str]) -> str:
    """A query or a form with its words put in, encoded; one without words as somebody wrote it."""
    if not _BRACES.search(text):
        return text
    return urlencode([(name, _put(value, words)) for name, value in parse_qsl(text, keep_blank_values=True)])


def _inside(value: Any, words: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return _put(value, words)
    if isinstance(value, dict):
        return {name: _inside(each, words) for name, each in value.items()}
    return [_inside(each, words) for each in value] if isinstance(value, list) else value
