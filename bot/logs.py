"""Everything that is logged goes to one stream, one line an event, and no secret that is known goes with it."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import TextIO
from urllib.parse import quote, quote_plus

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from bot.settings import SettingsError

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
NOISY = (
    *("httpx", "httpcore", "apscheduler", "aiohttp.access", "alembic", "sqlalchemy.engine"),
    *("telegram", "slack_sdk", "slack_bolt"),
)
"""Loggers that tell each request or run at INFO, and below it bodies and addresses with tokens in them."""
_MASK = "••••"
_SHORTEST = 4
"""Characters of the shortest secret; anything shorter would take letters out of every word."""
_FREE = frozenset({"exception", "stack"})
"""Values of several lines; every other value is made one."""

Scrub = Callable[[str], str]


def redact(secrets: Iterable[str]) -> Scrub:
    """Return a function that replaces every secret in a text, also where it is quoted for a URL, JSON or Python."""
    known = {each for each in secrets if len(each) >= _SHORTEST}
    forms = {
        form
        for each in known
        for form in (
            each,
            quote(each, safe=""),
            quote(each),
            quote_plus(each),
            json.dumps(each)[1:-1],
            repr(each)[1:-1],
        )
    }
    if not forms:
        return lambda text: text
    pattern = re.compile("|".join(re.escape(each) for each in sorted(forms, key=len, reverse=True)))
    return lambda text: pattern.sub(_MASK, text)


def configure(level: str, secrets: Iterable[str], stream: TextIO | None = None) -> None:
    """Send structlog and the standard library's logging to `stream` (stderr), without `secrets`.

    `level` is debug, info, warning or error. A second call takes the place of the first. Errors: SettingsError.
    """
    if level.lower() not in LEVELS:
        raise SettingsError(f'"{level}" is not a log level: write {", ".join(LEVELS)}.')
    number, scrub = LEVELS[level.lower()], redact(secrets)
    common: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        _tidy(scrub),
    ]
    handler = _Handler(stream or sys.stderr or _nowhere())
    handler.setFormatter(_Formatter(common, scrub, colors=handler.stream.isatty()))
    root = logging.getLogger()
    for former in [each for each in root.handlers if isinstance(each, _Handler)]:
        root.removeHandler(former)
    root.addHandler(handler)
    root.setLevel(number)
    for name in NOISY:
        logging.getLogger(name).setLevel(max(number, logging.WARNING))
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *common, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    sys.excepthook = _last_words


def _nowhere() -> TextIO:
    """Where a log goes that nobody can read: a process may be started without a standard error."""
    return Path(os.devnull).open("w", encoding="utf-8")


def _tidy(scrub: Scrub) -> Processor:
    """Keep secrets out of values before they are written, and line breaks out of all but tracebacks."""

    def process(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        return {
            name: value if name.startswith("_") or name in _FREE else _line(scrub(str(value)))
            for name, value in event.items()
        }

    return process


def _line(text: str) -> str:
    """One line: what would break it, or move the cursor, is shown as an escape."""
    return text if text.isprintable() else "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)


class _Formatter(structlog.stdlib.ProcessorFormatter):
    """Writes a record; what the values' own texts and tracebacks brought along is taken out of the whole."""

    def __init__(self, common: list[Processor], scrub: Scrub, *, colors: bool) -> None:
        renderer = structlog.dev.ConsoleRenderer(
            colors=colors, exception_formatter=structlog.dev.plain_traceback, sort_keys=False
        )
        super().__init__(processors=[self.remove_processors_meta, renderer], foreign_pre_chain=common)
        self._scrub = scrub

    def format(self, record: logging.LogRecord) -> str:
        return self._scrub(super().format(record))


class _Handler(logging.StreamHandler[TextIO]):
    """Never prints a record that it could not format: its arguments may hold a secret."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 -- the standard library's name
        with contextlib.suppress(OSError, ValueError):
            self.stream.write(f"a line of the logger {record.name} could not be written\n")


def _last_words(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Log what nobody caught, in place of printing it with whatever it holds."""
    if issubclass(kind, KeyboardInterrupt):
        return
    logging.getLogger("nightdesk").critical("stopped by an error", exc_info=(kind, error, trace))
