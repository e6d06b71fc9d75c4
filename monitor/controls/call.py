"""Any HTTP call by template: what stands in braces is put in by its own encoder, never pasted."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import httpx
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from monitor.controls._http import Call, accepted, ask, fault
from monitor.model import Agent
from monitor.outside import Key, line
from monitor.ports import AgentControl, ControlError

WORDS = ("agent", "by", "reason")
"""What may stand in braces."""
ACTIONS = ("pause", "stop", "resume", "close", "restart")
USUAL = "whatever its call does: it is done only when the agent reports it"
_BRACES = re.compile(r"\{([a-z_]*)\}")


def _place(url: str) -> str:
    """An address whose host and path are fixed; values of its query may hold words in braces."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.password:
        raise ValueError("must be an address like http://127.0.0.1:9001/off, without a password in it")
    if not url.isascii() or not url.isprintable() or " " in url or parts.fragment:
        raise ValueError("must hold no spaces and no #")
    if _BRACES.search(f"{parts.netloc}{parts.path}"):
        raise ValueError("may hold words in braces only as values of its query, like ?by={by}")
    for _, value in parse_qsl(parts.query, keep_blank_values=True):
        _check(value)
    return url


def _checked(body: Any) -> Any:
    """A body whose texts hold only words that are known."""
    if isinstance(body, str):
        _check(body)
    elif isinstance(body, dict):
        for each in body.values():
            _checked(each)
    elif isinstance(body, list):
        for each in body:
            _checked(each)
    return body


def _check(text: str) -> None:
    for found in _BRACES.finditer(text):
        if found[1] not in WORDS:
            raise ValueError(f"{found[0]} is not known: there is {', '.join(f'{{{each}}}' for each in WORDS)}")


class Template(BaseModel):
    """One call."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: Annotated[str, AfterValidator(_place)]
    method: Literal["POST", "PUT", "PATCH", "DELETE", "GET"] = "POST"
    headers: dict[str, Annotated[str, Field(pattern=r"^[ -~]{0,1000}$")]] = {}
    body: Annotated[Any, AfterValidator(_checked)] = None
    """A text as it is, anything else as JSON; None: none."""
    expect: Annotated[tuple[Annotated[int, Field(ge=100, le=599)], ...], Field(max_length=20)] = ()
    """Statuses that are an acceptance; empty: all from 200 to 299."""


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
    key_header: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,64}$")] | None = None
    """Header that carries the key as it is; without it, it is a bearer's in Authorization."""
    timeout: Annotated[float, Field(gt=0, le=60)] = 5.0
    """Seconds the call may take."""


def build(options: Options) -> AgentControl:
    """Build the control of one agent."""
    return CallControl(options)


class CallControl:
    """Gives one agent orders by calls that somebody wrote down."""

    kind = "call"

    def __init__(self, options: Options) -> None:
        self._options = options
        known = {name: getattr(options, name) for name in ACTIONS}
        self._templates: Mapping[str, Template] = {name: each for name, each in known.items() if each is not None}
        self.abilities: Mapping[str, str] = {
            name: options.means if name in ("pause", "stop") else USUAL for name in self._templates
        }

    async def reach(self, agent: Agent) -> None:  # noqa: ARG002 - the port's shape
        """See whether anybody listens there, without giving an order. Errors: ControlError."""
        template = next(iter(self._templates.values()), None)
        if template is None:
            raise ControlError("has no call: write at least pause = { url = ... } in its settings")
        parts = urlsplit(template.url)
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
            raise ControlError(
                f"cannot be ordered to {line(action, 32)}: it takes {', '.join(self._templates) or 'nothing'}"
            )
        words = {"agent": agent.id, "by": line(by, 100), "reason": line(reason, 500)}
        within = self._options.timeout
        try:
            async with asyncio.timeout(within):
                status, said = await ask(self._call(template, words), within, self._options.key)
        except (TimeoutError, httpx.HTTPError) as error:
            raise fault(error, within) from None
        return accepted(status, said, action, template.expect, self._options.key_env)

    async def state(self, agent: Agent) -> str | None:  # noqa: ARG002 - the port's shape
        """Nothing: the agent itself reports it."""
        return None

    async def logs(self, agent: Agent, lines: int) -> tuple[str, ...]:  # noqa: ARG002 - the port's shape
        """Refuse. Errors: ControlError."""
        raise ControlError("gives no log lines: add a pm2 or systemd control, or look on its machine")

    def _call(self, template: Template, words: Mapping[str, str]) -> Call:
        parts = urlsplit(template.url)
        query = urlencode(
            [(name, _put(value, words)) for name, value in parse_qsl(parts.query, keep_blank_values=True)]
        )
        body = _filled(template.body, words)
        text = body if isinstance(body, str) else None
        headers = {**template.headers, **self._key()}
        return Call(
            template.method,
            urlunsplit(parts._replace(query=query)),
            headers,
            json=None if text is not None else body,
            content=text,
        )

    def _key(self) -> dict[str, str]:
        key, name = self._options.key, self._options.key_header
        if key is None:
            return {}
        value = key.get_secret_value()
        return {name: value} if name is not None else {"Authorization": f"Bearer {value}"}


def _put(text: str, words: Mapping[str, str]) -> str:
    return _BRACES.sub(lambda found: words[found[1]], text)


def _filled(body: Any, words: Mapping[str, str]) -> Any:
    """The body with its words put in: inside a text of JSON written as JSON is, elsewhere as they are."""
    if isinstance(body, str):
        try:
            json.loads(body)
        except ValueError:
            return _put(body, words)
        return json.dumps(_inside(json.loads(body), words))
    return _inside(body, words)


def _inside(value: Any, words: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return _put(value, words)
    if isinstance(value, dict):
        return {name: _inside(each, words) for name, each in value.items()}
    return [_inside(each, words) for each in value] if isinstance(value, list) else value
