"""What answers at an address: an agent of the SDK, freqtrade, the guide's JSON, some JSON, or Prometheus text."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

import httpx

from bot.format import plain
from monitor import sources
from monitor.sources._snapshot import FALLBACKS, FIELDS

WITHIN = 5.0
LARGEST = 1 << 20
MOST = 30
"""Figures that are shown to be chosen from."""
LONGEST, DEEPEST, BIGGEST = 60, 5, 1e15
"""Of a figure: characters of a name, names in its path, the figure itself; what is more is no figure of an agent."""
OK, REFUSED = 200, (401, 403)


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found at an address."""

    kind: str
    """sdk, freqtrade, json, prometheus, key (it wants one), or nothing."""
    says: str
    """In one sentence, for a person."""
    url: str = ""
    path: str = ""
    """Where it was found, if not at the usual place."""
    id: str = ""
    """What the agent calls itself."""
    figures: Mapping[str, float] = field(default_factory=dict)
    """Dotted path -> number, of JSON of its own."""
    known: bool = True
    """Whether the desk reads it as it is."""


async def probe(address: str, key: str | None = None) -> Answer:
    """Ask an address what it is; a user's name in it is left out. Never raises."""
    parts = _parts(address)
    if parts is None:
        return Answer("nothing", "that is no address: write it like http://127.0.0.1:9001")
    url, path = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}", parts.path.rstrip("/")
    headers = {"Accept-Encoding": "identity", "Accept": "application/json, text/plain;q=0.5"}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    async with httpx.AsyncClient(timeout=WITHIN, trust_env=False, headers=headers) as client:
        try:
            async with asyncio.timeout(2 * WITHIN):
                return await _asked(client, url, path, key)
        except TimeoutError:
            return Answer("nothing", f"{url} answers without an end", url)
        except httpx.InvalidURL:
            return Answer("nothing", "that is no address: write it like http://127.0.0.1:9001")
        except httpx.HTTPError as error:
            return Answer("nothing", f"nothing answers at {url} ({type(error).__name__}): does it run there?", url)


def user_in(address: str) -> str:
    """The user's name in an address; empty for none."""
    parts = _parts(address)
    return unquote(parts.username or "") if parts else ""


def _parts(address: str) -> SplitResult | None:
    """The parts of an address; None for what is none, or holds a password, which nobody is to see."""
    try:
        parts = urlsplit(address if "://" in address else f"http://{address}")
        fine = parts.scheme in ("http", "https") and parts.hostname and parts.password is None and parts.port != 0
    except ValueError:
        return None
    return parts if fine else None


async def login(url: str, user: str, password: str) -> str | None:
    """Try a user and a password on freqtrade; why it does not take them, in a sentence, or None. Never raises."""
    try:
        async with httpx.AsyncClient(timeout=WITHIN, trust_env=False) as client:
            answer = await client.post(f"{url}/api/v1/token/login", auth=(user, password))
    except httpx.HTTPError as error:
        return f"it answers no login ({type(error).__name__})"
    if answer.status_code in REFUSED:
        return "it does not take that user name and password: see api_server in its configuration"
    return None if answer.status_code == OK else f"it answers HTTP {answer.status_code} to a login"


async def _asked(client: httpx.AsyncClient, url: str, path: str, key: str | None) -> Answer:
    if not path:
        status, text = await _get(client, f"{url}/api/v1/ping")
        if status == OK and _json(text) == {"status": "pong"} and "freqtrade" in sources.discover():
            return Answer("freqtrade", "freqtrade answers there", url)
    status, text = await _get(client, url + (path or "/metrics"))
    if status in REFUSED:
        return Answer("key", "it does not take that key" if key else "it wants a key", url, path)
    if status != OK:
        return Answer("nothing", f"{path or '/metrics'} answers HTTP {status} there", url, path)
    document = _json(text)
    if isinstance(document, dict):
        return _described(document, url, path)
    if any(line and not line.startswith(("#", "<", "{")) and " " in line for line in text.splitlines()[:200]):
        return Answer("prometheus", "Prometheus text is served there", url, path)
    return Answer("nothing", "what answers there is neither JSON nor Prometheus text", url, path)


def _described(document: Mapping[str, Any], url: str, path: str) -> Answer:
    called = document.get("agent_id")
    name = plain(called, 32) if isinstance(called, str) else ""
    if name and isinstance(document.get("checks"), list) and "trades_cursor" in document:
        return Answer("sdk", f"an agent with Nightdesk's probe answers, called {name}", url, path, name)
    figures = dict(list(_numbers(document, ""))[:MOST])
    known = [each for each in document if each in FIELDS or each in FALLBACKS.values()]
    if known:
        said = f"JSON answers with {', '.join(plain(each, 30) for each in known[:6])}"
        return Answer("json", said, url, path, name, figures)
    return Answer("json", "JSON of its own answers there", url, path, name, figures, known=False)


def _numbers(value: Any, at: str) -> Iterator[tuple[str, float]]:
    if isinstance(value, dict):
        for name, each in value.items():
            if name.isprintable() and 0 < len(name) <= LONGEST and "." not in name and at.count(".") < DEEPEST:
                yield from _numbers(each, f"{at}.{name}" if at else name)
    elif isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < BIGGEST:
        yield at, float(value)


async def _get(client: httpx.AsyncClient, url: str) -> tuple[int, str]:
    body = bytearray()
    async with client.stream("GET", url) as response:
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > LARGEST:
                break
        return response.status_code, bytes(body).decode(errors="replace")


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
