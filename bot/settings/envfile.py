"""Secrets beside the settings: a file of KEY=value lines that only its owner can read, as systemd reads it too."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping
from pathlib import Path

from bot.settings.values import SettingsError

NAME = "nightdesk.env"
LARGEST = 1 << 16
_PLAIN = re.compile(r"[A-Za-z0-9_.:/@%+,=-]+")
_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")


def read(path: Path) -> Mapping[str, str]:
    """What a file sets; nothing where there is none. Errors: SettingsError (others can read it, a bad line)."""
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_mode & 0o077:
                raise SettingsError(f"{path.name}: others can read the secrets in it: chmod 600 {path}.")
            text = file.read(LARGEST + 1).decode()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise SettingsError(f"{path.name}: cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{path.name}: is not UTF-8: save the file as UTF-8 text.") from None
    if len(text) > LARGEST:
        raise SettingsError(f"{path.name}: is larger than 64 KiB: that is no file of secrets.")
    return dict(_lines(path.name, text))


def _lines(name: str, text: str) -> list[tuple[str, str]]:
    found = []
    for number, line in enumerate(text.split("\n"), 1):
        bare = line.strip()
        if not bare or bare[0] in "#;":
            continue
        key, equals, value = bare.partition("=")
        if not equals or not _KEY.fullmatch(key):
            raise SettingsError(f"{name}:{number}: is not KEY=value.")  # the line may be a secret: it is not shown
        try:
            words = shlex.split(value, comments=False, posix=True)
        except ValueError:
            raise SettingsError(f"{name}:{number}: a quote of {key} is not closed.") from None
        found.append((key, " ".join(words)))
    return found


def written(secrets: Mapping[str, str]) -> str:
    """The text of such a file."""
    rows = [f"{key}={_quoted(value)}" for key, value in secrets.items()]
    return "\n".join(["# Secrets of the desk: readable by you alone. The environment wins over it.", *rows, ""])


def _quoted(value: str) -> str:
    """A value as systemd, a shell and Compose read it alike, as far as they do."""
    if _PLAIN.fullmatch(value):
        return value
    if "'" not in value and "\\" not in value:
        return f"'{value}'"
    return '"' + "".join(f"\\{each}" if each in '"\\' else each for each in value) + '"'
