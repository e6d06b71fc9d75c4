"""Secrets never reach a chat by way of a log, and what a trader reads there stays readable."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.redaction import LONGEST_LINE, MASK, bounded, redacted

HEX = "0123456789abcdef" * 4
BINANCE = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y8JaRYWaJ9x1"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    ("line", "secret"),
    [
        ("api_key=abc123def", "abc123def"),
        ("BINANCE_API_SECRET: hunter2hunter2", "hunter2hunter2"),
        ('{"password": "p w d", "user": "ana"}', "p w d"),
        ("apikey => 'zzz999'", "zzz999"),
        ("GET /order?symbol=BTC&signature=deadbeef01&x=1", "deadbeef01"),
        ("Authorization: Bearer abcdef123456", "abcdef123456"),
        ("headers: authorization Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
        ("polling https://api.telegram.org/bot123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1/getMe", "AAHdqTcvCH1"),
        ("xoxb-123456-abcdef", "123456-abcdef"),
        ("posting to https://hooks.slack.com/services/T0/B0/XyZ12345", "XyZ12345"),
        ("postgresql://ana:s3cret@db/x refused", "s3cret"),
        (f"token {JWT} expired", "eyJzdWIi"),
        (f"signing with 0x{HEX}", HEX),
        (f"loaded key {BINANCE}", BINANCE),
        ("AKIAIOSFODNN7EXAMPLE in use", "AKIAIOSFODNN7EXAMPLE"),
        ("mnemonic: legal winner thank year wave sausage", "sausage"),
        ("set-cookie: a=1; session=abcdef; path=/", "abcdef"),
        ("-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\nkqhkiG9w0\n-----END PRIVATE KEY-----", "kqhkiG9w0"),
        ("-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg", "MIIEvQIBADANBg"),
        ("PASSPHRASE=correct horse battery staple", "staple"),
    ],
)
def test_what_looks_like_a_secret_is_taken_out(line: str, secret: str) -> None:
    clean = redacted(f"12:00:01 INFO {line}")
    assert secret not in clean
    assert MASK in clean
    assert clean.startswith("12:00:01 INFO ")


@pytest.mark.parametrize(
    "line",
    [
        "2026-11-29 05:12:44,123 INFO trader: opened BTC/USDT long 0.0375 @ 64000.5 order 8812734619",
        "order 6f1c2d3e-4a5b-6c7d-8e9f-0a1b2c3d4e5f filled, fee 0.12 USDT, pnl -3.4",
        "heartbeat age=0.8 equity=10120.50 drawdown=1.2% positions=[BTC/USDT, ETH/USDT]",
        "Traceback (most recent call last): File trader.py line 88 in decide: KeyError: 'BTC/USDT'",
        "connection to 10.0.0.3:8080 refused, retry 3 in 5s",
        "keyboard monkey keyframes tokenize design signal",
    ],
)
def test_what_a_trader_reads_stays(line: str) -> None:
    assert redacted(line) == line


def test_known_secrets_go_wherever_they_stand_and_short_words_stay() -> None:
    assert redacted("see s3cr3tvalue and abc", ["s3cr3tvalue", "abc"]) == f"see {MASK} and abc"


@given(st.text(max_size=300), st.text(min_size=8, max_size=30).filter(lambda text: text.strip() == text))
def test_a_known_secret_is_never_left(around: str, secret: str) -> None:
    assert secret not in redacted(f"{around}{secret}{around}", [secret]) or secret in MASK


def test_a_line_that_was_made_to_take_for_ever_takes_about_as_long_as_any() -> None:
    plain, hostile = "a " * 500_000, ("a_" * 200_000) + ("key" * 100_000) + ("=" * 100_000) + ("://" * 30_000)

    def took(text: str) -> float:
        began = time.perf_counter()
        redacted(text)
        return time.perf_counter() - began

    assert took(hostile) < 200 * max(took(plain), 0.01)


def test_the_newest_lines_that_have_room_are_kept() -> None:
    lines = [f"line {number}" for number in range(10)]
    assert bounded(lines, 3, 1_000) == (["line 7", "line 8", "line 9"], 7)
    assert bounded(lines, 10, 14) == (["line 8", "line 9"], 8)
    assert bounded([], 5, 100) == ([], 0)
    kept, _ = bounded(["\x1b[31mred\x1b[0m \x07bell\r", "x" * 1_000], 5, 5_000)
    assert kept[0] == "red  bell"
    assert len(kept[1]) == LONGEST_LINE
