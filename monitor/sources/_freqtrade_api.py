"""freqtrade's REST API: who asks shows a password or a token, and a token that has run out is renewed by itself."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from typing import Any

import aiohttp
from pydantic import SecretStr
from yarl import URL

from monitor.outside import line, masked
from monitor.sources._http import BODY_LIMIT
from monitor.sources._snapshot import BadAnswerError

OK, UNAUTHORIZED, NOT_FOUND = 200, 401, 404
RENEWS_WITHIN = 10.0
"""Seconds that a login may take, whoever waits for it."""


class GoneError(BadAnswerError):
    """What was asked for is not there (HTTP 404)."""


class TooLongError(BadAnswerError):
    """The answer is longer than is read."""


class Api:
    """Asks one freqtrade."""

    def __init__(
        self, session: aiohttp.ClientSession, url: str, user: str, password: SecretStr, env: str | None, *, tokens: bool
    ) -> None:
        """`env`: the variable that holds the password, for sentences. `tokens`: whether to log in for a token."""
        self._session = session
        self._url = f"{url}/api/v1"
        pair = b64encode(f"{user}:{password.get_secret_value()}".encode()).decode()
        self._basic = f"Basic {pair}"
        self._secrets = (password, SecretStr(pair))
        self._env = env
        self._tokens = tokens
        self._access: str | None = None
        self._refresh: str | None = None
        self._renewing = asyncio.Lock()

    async def get(self, path: str, *, exact: bool = False, **query: str | int) -> Any:
        """The JSON of an answer; `exact`: numbers stay the text they were sent as.

        Errors: BadAnswerError (GoneError, TooLongError), aiohttp.ClientError, OSError.
        """
        url = URL(f"{self._url}/{path}").with_query(query)
        before = self._access
        status, body = await self._ask("GET", url, await self._authorization())
        if status == UNAUTHORIZED and self._tokens:
            await self._renew(before)
            status, body = await self._ask("GET", url, await self._authorization())
        return self._read(path, status, body, exact=exact)

    async def token(self) -> str:
        """An access token, for a WebSocket. Errors: as `get`."""
        if self._access is None:
            await self._renew(None)
        return self._access or ""

    def forget(self) -> None:
        """Log in anew next time: the token was refused."""
        self._access = None

    async def _authorization(self) -> str:
        return f"Bearer {await self.token()}" if self._tokens else self._basic

    async def _renew(self, stale: str | None) -> None:
        """Renew the token, unless somebody else has meanwhile; by the password where the refresh token is refused."""
        async with self._renewing, asyncio.timeout(RENEWS_WITHIN):
            if self._access not in (None, stale):
                return
            if self._refresh is not None:
                url = URL(f"{self._url}/token/refresh")
                status, body = await self._ask("POST", url, f"Bearer {self._refresh}")
                if status == OK:
                    self._access = self._word(self._read("token/refresh", status, body), "access_token")
                    return
            status, body = await self._ask("POST", URL(f"{self._url}/token/login"), self._basic)
            said = self._read("token/login", status, body)
            self._access, self._refresh = (self._word(said, each) for each in ("access_token", "refresh_token"))

    async def _ask(self, method: str, url: URL, authorization: str) -> tuple[int, bytes]:
        headers = {"Accept": "application/json", "Authorization": authorization}
        async with self._session.request(method, url, headers=headers, allow_redirects=False) as response:
            if response.headers.get("Content-Encoding", "identity").lower() != "identity":
                raise BadAnswerError("answered compressed though it was asked not to")
            body = bytearray()
            async for chunk in response.content.iter_any():
                body += chunk
                if len(body) > 4 * BODY_LIMIT:
                    raise TooLongError("answered more than 4 MiB")
            return response.status, bytes(body)

    def _read(self, path: str, status: int, body: bytes, *, exact: bool = False) -> Any:
        if status == UNAUTHORIZED:
            raise BadAnswerError(f"refused user and password: check {self._env or 'them'}")
        if status == NOT_FOUND:
            raise GoneError(f"does not know /{path}")
        if 300 <= status < 400:  # noqa: PLR2004 - the redirects of HTTP
            raise BadAnswerError(f"answered HTTP {status}, a redirect, which is not followed: correct its url")
        if status != OK:
            said = self._error(body)
            raise BadAnswerError(f"answered /{path} with HTTP {status}" + (f": {said}" if said else ""))
        numbers: dict[str, Any] = {"parse_float": str, "parse_int": str} if exact else {}
        try:
            return json.loads(body, parse_constant=lambda _: None, **numbers)
        except (ValueError, RecursionError):
            raise BadAnswerError(f"answered /{path} with something that is not JSON") from None

    @staticmethod
    def _word(said: Any, name: str) -> str:
        word = said.get(name) if isinstance(said, dict) else None
        if not isinstance(word, str) or not word.isascii() or not word.isprintable() or " " in word:
            raise BadAnswerError("answered a login without a token")
        return word

    def _error(self, body: bytes) -> str:
        """What freqtrade says is wrong: an application's error comes as `error`, one of its server's as `detail`."""
        for each in (*self._secrets, SecretStr(self._access or ""), SecretStr(self._refresh or "")):
            body = masked(body, each)
        try:
            said = json.loads(body[:BODY_LIMIT])
        except (ValueError, RecursionError):
            return ""
        words = [said.get(name) for name in ("error", "detail")] if isinstance(said, dict) else []
        return line(next((each for each in words if isinstance(each, str)), ""))
