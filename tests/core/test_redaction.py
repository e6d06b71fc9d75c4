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
        ("wallet_seed: legal winner thank year", "year"),
        ("walletSeed: legal winner thank year", "year"),
        ("seed phrase: legal winner thank year", "year"),
        ("apiSecret=abc123def", "abc123def"),
        ('{"accessToken": "abc123def", "pair": "BTC"}', "abc123def"),
        ("MY_VERY_OWN_LONG_BINANCE_API_SECRET=abc123def", "abc123def"),
        ("API_KEY_1=abc123def", "abc123def"),
        ("secret key: abc123def", "abc123def"),
        ('{"msg": "sent {\\"api_key\\": \\"abc 123def\\"}"}', "123def"),
        ('{"password": "one\\"two three", "user": "ana"}', "two three"),
        ('api_key="cut off in the midd', "midd"),
        ("send [(b'X-MBX-APIKEY', b'abc123def')]", "abc123def"),
        ("{'apiKey': b'abc123def'}", "abc123def"),
        ("api_keys: ['abc123def', 'ghi456jkl']", "ghi456jkl"),
        ("password=ab)cd]ef}gh", "gh"),
        ("auth: Token abc123def", "abc123def"),
        ("redirect?to=x%26token%3Dabc123def", "abc123def"),
        ("<password>abc123def</password>", "abc123def"),
        ("started with --api-key abc123def", "abc123def"),
        ("postgresql://ana:p@ss@db/x refused", "ss@db"),
        ("cloning https://abcdefghijklmnop1234@git.example/x", "abcdefghijklmnop1234"),
        ("\x1b[36mapi_key\x1b[0m=\x1b[35mabc123def\x1b[0m", "abc123def"),
        ("api_\u200bkey=abc123def", "abc123def"),
        (f"private {'q1W2/' * 17}qw==", "q1W2/q1W2/"),
        (f"{'q1W2e3R4' * 8}\nq1W2e3R4=\n-----END PRIVATE KEY-----", "q1W2e3R4"),
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
        "tokens=120 prompt_tokens=1200 max_tokens: 200 turkey=3 monkey: 4 tokenizer: bpe",
        "basic strategy loaded, signature verified: yes, no key was lost",
    ],
)
def test_what_a_trader_reads_stays(line: str) -> None:
    assert redacted(line) == line


def test_known_secrets_go_wherever_they_stand_and_short_words_stay() -> None:
    assert redacted("see s3cr3tvalue and abc", ["s3cr3tvalue", "abc"]) == f"see {MASK} and abc"
    assert redacted("see s3cr3\x1b[1mtvalue\x1b[0m", ["s3cr3tvalue"]) == f"see {MASK}"
    assert redacted('at /x?y=a%2Fb%3Ac-d and "a/b:c-d\\n"', ["a/b:c-d", "a/b:c-d\n"]) == f'at /x?y={MASK} and "{MASK}"'


def test_what_stands_beside_a_secret_stays() -> None:
    line = redacted('{"apiKey": "abc123def", "pair": "BTC/USDT", "signature": "ff00", "qty": 0.5}')
    assert line == f'{{"apiKey": {MASK}, "pair": "BTC/USDT", "signature": {MASK}, "qty": 0.5}}'


@given(st.text(max_size=300), st.text(min_size=8, max_size=30).filter(lambda text: text.strip() == text))
def test_a_known_secret_is_never_left(around: str, secret: str) -> None:
    assert secret not in redacted(f"{around}{secret}{around}", [secret]) or secret in MASK


@pytest.mark.parametrize(
    "unit",
    [
        "-eyJ",
        "-----BEGIN A-----",
        "a_key",
        "key-",
        "a://",
        "a://b:",
        "token'",
        'key: \\"',
        "A1",
        "--a-a-a-a-key ",
        "\x1b[1",
        "k=[",
    ],
)
@pytest.mark.slow
def test_a_line_that_was_made_to_take_for_ever_takes_a_time_that_grows_with_its_length(unit: str) -> None:
    def took(length: int) -> float:
        hostile = (unit * length)[:length]
        began = time.process_time()
        redacted(hostile)
        return time.process_time() - began

    # Eight times the length: a square would take 64 times as long.
    assert took(1 << 18) < 30 * max(min(took(1 << 15) for _ in range(2)), 0.002)


def test_the_newest_lines_that_have_room_are_kept() -> None:
    lines = [f"line {number}" for number in range(10)]
    assert bounded(lines, 3, 1_000) == (["line 7", "line 8", "line 9"], 7)
    assert bounded(lines, 10, 14) == (["line 8", "line 9"], 8)
    assert bounded([], 5, 100) == ([], 0)
    assert bounded(lines, 0, 100) == ([], 10)
    kept, _ = bounded(["\x1b[31mred\x1b[0m \x07bell\r", "x" * 1_000], 5, 5_000)
    assert kept[0] == "red  bell"
    assert len(kept[1]) == LONGEST_LINE
