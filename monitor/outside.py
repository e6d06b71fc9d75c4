"""What comes from outside is bounded and checked before anybody reads it: text, addresses, keys."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, SecretStr


def line(text: str, limit: int = 200) -> str:
    """Return `text` as one printable line of at most `limit` characters; what does not print becomes a space."""
    printable = "".join(char if char.isprintable() else " " for char in text[: 4 * limit])
    short = " ".join(printable.split())
    return short if len(short) <= limit else short[: limit - 1] + "…"


SHORTEST = 6
"""Bytes of a key that is looked for in answers."""


def masked(said: bytes, key: SecretStr | None) -> bytes:
    """Return an agent's answer with the key taken out, should it have come back; a key as short as a word stays."""
    value = b"" if key is None else key.get_secret_value().encode()
    return said.replace(value, "••••".encode()) if len(value) >= SHORTEST else said


def _address(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be an address like http://127.0.0.1:9001")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must hold no password: put the key into an environment variable and name that in key_env")
    if parts.query or parts.fragment or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("must hold no spaces, no ? and no #")
    if parts.port == 0:
        raise ValueError("must have a port between 1 and 65535")
    try:
        parts.hostname.encode("idna")
    except UnicodeError:
        raise ValueError("must have a host name without empty or overlong parts") from None
    return text.rstrip("/")


Address = Annotated[str, AfterValidator(_address)]
"""An http or https address without a key in it and without a slash at its end."""


def _key(key: SecretStr) -> SecretStr:
    text = key.get_secret_value()
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("holds no key: a key has no spaces, line breaks or accents")
    return key


Key = Annotated[SecretStr, AfterValidator(_key)]
"""A bearer key that fits into a header."""


def authorization(key: SecretStr | None) -> dict[str, str]:
    """Return the headers that show the key to an agent."""
    return {} if key is None else {"Authorization": f"Bearer {key.get_secret_value()}"}
