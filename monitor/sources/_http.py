"""One bounded answer over HTTP: no redirect, nothing packed, at most 1 MiB, and every fault a sentence."""

from __future__ import annotations

import re

import aiohttp
from yarl import URL

from monitor.outside import Key, authorization, masked
from monitor.sources._snapshot import BadAnswerError

BODY_LIMIT = 1 << 20
FAULT = (BadAnswerError, TimeoutError, aiohttp.ClientError, OSError)
"""Whatever can come of asking."""
_FAULTS: tuple[tuple[tuple[type[Exception], ...], str], ...] = (
    ((aiohttp.ClientConnectorDNSError,), "its host cannot be found by name: check its url"),
    (
        (aiohttp.ClientSSLError, aiohttp.ClientConnectorCertificateError),
        "its TLS certificate or encryption is not accepted",
    ),
    ((aiohttp.ClientConnectorError,), "refused the connection or is out of reach: see whether it runs at its url"),
    ((aiohttp.ClientResponseError,), "answered something that is not HTTP"),
    ((aiohttp.ClientPayloadError,), "broke its answer off"),
    ((Exception,), "dropped the connection without an answer"),
)
"""What the first kind of error that fits means."""


class Getter:
    """Asks one agent; `key_env` is the name of the variable with its key, for sentences about it."""

    def __init__(self, session: aiohttp.ClientSession, key: Key | None, key_env: str | None) -> None:
        self._session = session
        self._key = key
        self._key_env = key_env

    async def get(self, url: URL, accept: str = "application/json") -> bytes:
        """The body of an answer 200, the key taken out. Errors: FAULT."""
        headers = {"Accept": accept, **authorization(self._key)}
        async with self._session.get(url, headers=headers, allow_redirects=False) as response:
            self._refuse(response)
            body = bytearray()
            async for chunk in response.content.iter_any():
                body += chunk
                if len(body) > BODY_LIMIT:
                    raise BadAnswerError("answered more than 1 MiB")
            return masked(bytes(body), self._key)

    async def status(self, url: URL) -> int:
        """The status of an answer. Errors: FAULT."""
        async with self._session.get(url, headers=authorization(self._key), allow_redirects=False) as response:
            return response.status

    def _refuse(self, response: aiohttp.ClientResponse) -> None:
        status = response.status
        if status in (401, 403):
            raise BadAnswerError(f"answered HTTP {status}: check {self._key_env or 'its key'}")
        if 300 <= status < 400:  # noqa: PLR2004 - the redirects of HTTP
            raise BadAnswerError(f"answered HTTP {status}, a redirect, which is not followed: correct its url")
        if status != 200:  # noqa: PLR2004
            raise BadAnswerError(f"answered HTTP {status}")
        if response.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise BadAnswerError("answered compressed though it was asked not to")
        if (response.content_length or 0) > BODY_LIMIT:
            raise BadAnswerError("answered more than 1 MiB")


def sentence(error: Exception, within: float) -> str:
    """What a fault means, without a subject; `within`: seconds that a look may take."""
    if isinstance(error, BadAnswerError):
        return str(error)
    if isinstance(error, TimeoutError):
        return f"no answer within {within:g} s"
    # aiohttp has no kind of its own for these; by the words, which a test watches.
    if isinstance(error, aiohttp.ClientResponseError) and re.search(r"more than|Too many headers", error.message):
        return "answered with headers that are too large"
    return next(said for kinds, said in _FAULTS if isinstance(error, kinds))
