"""Logs: one stream, one line an event, and no secret on any way into it."""

from __future__ import annotations

import io
import logging
import subprocess
import sys
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from bot.logs import NOISY, configure, redact
from bot.settings import SettingsError

TOKEN = "7654321:AAH-secret_token/with+signs"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root, hook = logging.getLogger(), sys.excepthook
    handlers, level = list(root.handlers), root.level
    levels = {name: logging.getLogger(name).level for name in NOISY}
    out = io.StringIO()
    configure("info", {TOKEN, "pass word"}, out)
    yield out
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, former in levels.items():
        logging.getLogger(name).setLevel(former)
    structlog.reset_defaults()
    sys.excepthook = hook


class Api:
    def __str__(self) -> str:
        return f"Api({TOKEN})"

    __repr__ = __str__


def fail() -> None:
    raise ValueError(f"401 for https://api/bot{TOKEN}/getMe")


def log_by_structlog() -> None:
    structlog.get_logger().warning("refused", error=f"https://api/bot{TOKEN}/getMe")


def log_in_the_event() -> None:
    structlog.get_logger().warning(f"refused {TOKEN}")


def log_in_a_nested_value() -> None:
    structlog.get_logger().warning("refused", payload={"headers": [("Authorization", f"Bearer {TOKEN}")], "api": Api()})


def log_an_exception_by_structlog() -> None:
    try:
        fail()
    except ValueError:
        structlog.get_logger().exception("refused")


def log_as_an_argument() -> None:
    logging.getLogger("lib").warning("POST %s refused %r", f"https://api/bot{TOKEN}", Api())


def log_an_exception() -> None:
    try:
        fail()
    except ValueError:
        logging.getLogger("lib").exception("refused")


def log_an_exception_as_an_argument() -> None:
    logging.getLogger("lib").warning("refused: %s", ValueError(TOKEN))


def log_as_quoted_in_an_address() -> None:
    logging.getLogger("lib").warning("refused https://api/?token=7654321%3AAAH-secret_token%2Fwith%2Bsigns")


def log_a_bound_value() -> None:
    structlog.get_logger().bind(token=TOKEN).warning("refused")


@pytest.mark.parametrize(
    "log",
    [
        log_by_structlog,
        log_in_the_event,
        log_in_a_nested_value,
        log_an_exception_by_structlog,
        log_as_an_argument,
        log_an_exception,
        log_an_exception_as_an_argument,
        log_as_quoted_in_an_address,
        log_a_bound_value,
    ],
    ids=lambda log: log.__name__,
)
def test_a_secret_does_not_reach_the_stream(stream: io.StringIO, log: object) -> None:
    assert callable(log)
    log()
    assert "refused" in stream.getvalue()
    assert "••••" in stream.getvalue()
    assert "AAH-secret" not in stream.getvalue()


def test_a_closed_stream_stops_nobody(stream: io.StringIO) -> None:
    stream.close()
    logging.getLogger("lib").warning("nobody hears this")


def test_both_kinds_of_logging_write_one_line_with_time_level_and_logger(stream: io.StringIO) -> None:
    structlog.get_logger("desk").warning("paged", agent="alpha")
    logging.getLogger("lib").warning("slow")
    ours, theirs = stream.getvalue().splitlines()
    assert "[warning" in ours
    assert "[desk]" in ours
    assert ours.endswith("agent=alpha")
    assert "[warning" in theirs
    assert "[lib]" in theirs
    assert ours[:10].count("-") == theirs[:10].count("-") == 2


def test_text_from_outside_cannot_forge_a_line(stream: io.StringIO) -> None:
    structlog.get_logger("desk").warning("refused", error="boom\n2026-01-01 [info] all is well\x1b[2J")
    logging.getLogger("lib").warning("bad %s", "a\nb")
    assert len(stream.getvalue().splitlines()) == 2
    assert "\x1b" not in stream.getvalue()


def test_loggers_that_tell_every_request_are_heard_from_warning_on(stream: io.StringIO) -> None:
    configure("debug", (), stream)
    for name in NOISY:
        logging.getLogger(name).info("GET https://api/bot%s/getMe", TOKEN)
        logging.getLogger(f"{name}.inner").debug("body")
    logging.getLogger("httpx").warning("slow")
    assert [line.split()[3] for line in stream.getvalue().splitlines()] == ["slow"]


def test_the_level_is_kept(stream: io.StringIO) -> None:
    configure("warning", (), stream)
    structlog.get_logger().info("quiet")
    logging.getLogger("lib").info("quiet")
    assert stream.getvalue() == ""


def test_a_second_call_takes_the_place_of_the_first(stream: io.StringIO) -> None:
    other = io.StringIO()
    configure("info", (), other)
    logging.getLogger("lib").warning("once")
    assert stream.getvalue() == ""
    assert other.getvalue().count("once") == 1


def test_an_unknown_level_is_refused_with_the_known_ones() -> None:
    with pytest.raises(SettingsError, match=r'"loud" is not a log level: write debug, info, warning, error\.'):
        configure("loud", ())


def said_by_a_process(code: str) -> tuple[int, str]:
    head = f"import logging, bot.logs; bot.logs.configure('info', ['{TOKEN}']); "
    command = [sys.executable, "-c", head + code]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert ended.stdout == ""
    assert TOKEN not in ended.stderr
    return ended.returncode, ended.stderr


def test_what_nobody_caught_is_logged_without_its_secret() -> None:
    code, said = said_by_a_process(f"raise ValueError('{TOKEN}')")
    assert code == 1
    assert "ValueError: ••••" in said


def test_a_record_that_cannot_be_formatted_is_named_and_not_shown() -> None:
    assert said_by_a_process(f"logging.getLogger('lib').warning('%d items', '{TOKEN}')") == (
        0,
        "a line of the logger lib could not be written\n",
    )


@given(st.lists(st.text(min_size=4), min_size=1), st.text(), st.text())
def test_no_secret_survives_in_any_text(secrets: list[str], before: str, after: str) -> None:
    scrubbed = redact(secrets)(f"{before}{secrets[0]}{after}")
    assert "••••" in scrubbed
    assert secrets[0] in "••••" or secrets[0] not in scrubbed


@given(st.text())
def test_without_secrets_a_text_stays_as_it_is(text: str) -> None:
    assert redact(["", "a", "abc"])(text) == text
