"""A fee in another currency is money of its trade only at a price that is known; otherwise it is refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache

from monitor.model import EXACT

_PAIR = re.compile(r"([A-Za-z0-9.]{1,30})[/_-]([A-Za-z0-9.]{1,30})(?::[A-Za-z0-9.-]{1,40})?")
_NAME = re.compile(r"[A-Za-z0-9.]{1,30}")


class CurrencyError(ValueError):
    """Nothing says what a currency is worth; the message is one sentence."""


@lru_cache(maxsize=4096)
def pair(asset: str) -> tuple[str, str | None]:
    """Base and quote of "BTC/USDT", "BTC-USDT", "BTC_USDT" or "BTC/USDT:USDT", upper case; ("BTC", None) of "BTC"."""
    found = _PAIR.fullmatch(asset)
    return (found[1].upper(), found[2].upper()) if found else (asset.upper(), None)


def currency(name: str) -> str:
    """A currency's name in upper case. Errors: CurrencyError."""
    found = name.strip().upper()
    if not _NAME.fullmatch(found):
        raise CurrencyError("is no name of a currency: write it like BNB")
    return found


def converted(
    amount: Decimal, of: str, asset: str, price: Decimal, rates: Mapping[str, Decimal], home: str = ""
) -> Decimal:
    """An amount of the currency `of` in the money of a trade in `asset`, exactly. Errors: CurrencyError.

    The quote of the pair is that money, or `home` where the asset names none; the pair's base is worth `price`; any
    other currency is worth what `rates` says.
    """
    base, quote = pair(asset)
    if not amount or of == (quote or home):
        return amount
    if of == base:
        return EXACT.multiply(amount, price)
    if of in rates:
        return EXACT.multiply(amount, rates[of])
    raise CurrencyError(f"{of} is neither side of {asset[:40]}: say what one is worth, like --rate {of}=1.5")
