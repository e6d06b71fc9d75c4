"""One order over HTTP: who heard it, who refused it, and when nobody can tell."""

from __future__ import annotations

import functools
import json
import ssl
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from pydantic import SecretStr

from monitor.outside import line, masked
from monitor.ports import ControlError

BODY_LIMIT = 4096
HALFWAY = (500, 502, 503, 504)
"""Answers after which nobody knows whether the order was heard."""
UNSURE = "it may have obeyed; watch /status"


@functools.cache
def _trusted() -> ssl.SSLContext:
    return httpx.create_ssl_context(trust_env=False)  # slow to make, and the same for every agent


@dataclass(frozen=True, slots=True)
class Call:
    """One call: where, and with what."""

    method: str
    url: str
    headers: Mapping[str, str]
    json: Any = None
    content: str | None = None


async def ask(call: Call, within: float, key: SecretStr | None, raw: int | None = None) -> tuple[int, str]:
    """The status, and what was said in one line with the key taken out. Errors: httpx.HTTPError.

    `raw`: give the text as it is, so many bytes of it at most.
    """
    verify = _trusted() if call.url.startswith("https:") else False
    headers = {"Accept-Encoding": "identity", "User-Agent": "nightdesk", **call.headers}
    # A connection of its own for each order: a kept one may be dead, and then nobody knows whether it was heard.
    # Less time to connect than for the whole: then it is known that an agent out of reach got no order.
    patience = httpx.Timeout(within, connect=0.8 * within)
    body = {"content": call.content} if call.content is not None else {"json": call.json}
    async with (
        httpx.AsyncClient(verify=verify, trust_env=False, timeout=patience) as client,
        client.stream(call.method, call.url, headers=headers, **body) as response,
    ):
        text = await _text(response, key, raw or BODY_LIMIT)
        return response.status_code, text if raw else _said(text)


def accepted(status: int, said: str, action: str, expect: Collection[int], key_env: str | None) -> str:
    """What was said, if the status is a success. Errors: ControlError."""
    if status in expect if expect else 200 <= status < 300:  # noqa: PLR2004 - the successes of HTTP
        return said
    raise ControlError(_refusal(action, status, said, key_env), uncertain=status in HALFWAY)


def fault(error: Exception, within: float) -> ControlError:
    """What an order that got no answer means."""
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
        return ControlError("cannot be reached at its url: it got no order")
    if isinstance(error, TimeoutError | httpx.TimeoutException):
        return ControlError(f"did not answer within {within:g} s: {UNSURE}", uncertain=True)
    return ControlError(f"broke off before it had answered: {UNSURE}", uncertain=True)


def _refusal(action: str, status: int, said: str, key_env: str | None) -> str:
    if status == 401 or (status == 403 and not said):  # noqa: PLR2004 - who asks is not known, or may not
        return f"refused the key: check {key_env or 'it'}"
    if status == 404:  # noqa: PLR2004 - not found
        return f"does not know /{action}" + (f": {said}" if said else "")
    if 300 <= status < 400:  # noqa: PLR2004 - the redirects of HTTP
        return f"answered HTTP {status}, a redirect, which is not followed: correct its url"
    return f"answered HTTP {status}: {said}" if said else f"answered HTTP {status}"


async def _text(response: httpx.Response, key: SecretStr | None, limit: int) -> str:
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        return ""
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) >= limit:
            break
    return masked(bytes(body[:limit]), key).decode(errors="replace")


def _said(text: str) -> str:
    """What the agent said, in one line: the `detail` or `error` of a JSON object, or the text as it is."""
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        return "" if text.lstrip().startswith("<") else line(text)
    words = [answer.get(name) for name in ("error", "detail")] if isinstance(answer, dict) else []
    return line(next((each for each in words if isinstance(each, str)), text))
