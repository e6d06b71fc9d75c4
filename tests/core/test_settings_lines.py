"""Every value of a TOML text has its line."""

from __future__ import annotations

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from bot.settings.lines import lines_of

LINES = '''# comment [no]
title = "a # b"
"quoted key" = 'x'
multi = """
[not.a.table]
"""
a.b.c = 1

[desk] # [x]
list = [ # one
  1,
  { x = "}", y.z = [[2], "]"] },
]
[[agents]]
id = "one"
  [agents.source]
  kind = "http"
  [[agents.sub]]
  v = 1
[[agents]]
source = { kind = "http", "ke.y" = 1 }
  [[agents.sub]]
  v = 2
'''


def test_every_value_of_a_toml_text_has_its_line() -> None:
    found = lines_of(LINES)
    assert {path: found[path] for path in WHERE} == WHERE
    assert not any("not" in path or "no" in path for path in found)


WHERE: dict[tuple[str | int, ...], int] = {
    ("title",): 2,
    ("quoted key",): 3,
    ("multi",): 4,
    ("a", "b"): 7,
    ("a", "b", "c"): 7,
    ("desk",): 9,
    ("desk", "list"): 10,
    ("desk", "list", 0): 11,
    ("desk", "list", 1, "y", "z", 0, 0): 12,
    ("desk", "list", 1, "y", "z", 1): 12,
    ("agents",): 14,
    ("agents", 0, "id"): 15,
    ("agents", 0, "source"): 16,
    ("agents", 0, "source", "kind"): 17,
    ("agents", 0, "sub", 0, "v"): 19,
    ("agents", 1): 20,
    ("agents", 1, "source", "ke.y"): 21,
    ("agents", 1, "sub", 0, "v"): 23,
}


def paths(value: object, at: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(path for name, each in inside for path in paths(each, (*at, name)))]


@given(st.text(alphabet="[]{}=.,#\"'\n ab1\\-", max_size=40))
def test_whatever_tomllib_reads_has_a_line_for_each_of_its_values(text: str) -> None:
    try:
        value = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    assert set(paths(value)) - {()} == set(lines_of(text))
