"""A question is put at the terminal, or answered by a flag; without either one sentence names the flag."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator

import typer


class SetupError(Exception):
    """Set-up cannot go on; the message is one sentence for the person who started it."""


Out = Callable[[str], None]


class Console:
    """Asks at a terminal, or nobody."""

    def __init__(self, *, interactive: bool, out: Out = typer.echo) -> None:
        self.interactive = interactive
        self.say = out

    def ask(self, question: str, flag: str, default: str | None = None) -> str:
        """A line of text. Errors: SetupError (nobody is there to ask)."""
        if not self.interactive:
            if default is not None:
                return default
            raise SetupError(f"{question}: give it by {flag}.")
        with _at_once():
            return str(typer.prompt(question, default=default, show_default=bool(default))).strip()

    def secret(self, question: str, variable: str) -> str:
        """A secret, which nobody sees. Errors: SetupError."""
        if not self.interactive:
            raise SetupError(f"{question}: put it into the environment variable {variable}.")
        with _at_once():
            return str(typer.prompt(question, hide_input=True)).strip()

    def sure(self, question: str, *, default: bool = True) -> bool:
        """Yes or no; yes where nobody is there to ask."""
        if not self.interactive:
            return True
        with _at_once():
            return bool(typer.confirm(question, default=default))


@contextlib.contextmanager
def _at_once() -> Iterator[None]:
    """Let Ctrl-C end a question: asyncio would only note it while a line is read."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
