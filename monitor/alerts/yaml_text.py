"""YAML read as nothing but texts, lists and tables with their lines; types, anchors and tags do not exist here."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import yaml

_DEEPEST = 6


class TextError(Exception):
    """A sentence about a line of the text."""

    def __init__(self, line: int, sentence: str) -> None:
        super().__init__(sentence)
        self.line = line


@dataclass(frozen=True, slots=True)
class Node:
    """A value and its line, from 1. Every scalar is text, as written: `yes`, `1e3` and `~` too."""

    line: int
    value: str | list[Node] | dict[str, Node]

    def table(
        self, path: str, needed: Collection[str] | None = None, allowed: Collection[str] = ()
    ) -> Mapping[str, Node]:
        """The names and values of a table; with `needed`, these and no names beyond `allowed`. Errors: TextError."""
        if not isinstance(self.value, dict):
            raise TextError(self.line, f"{path} is not a table of names and values.")
        if needed is None:
            return self.value
        for name, node in self.value.items():
            if name not in needed and name not in allowed:
                known = (*needed, *allowed)
                raise TextError(node.line, f"{path}.{name[:40]} is not known: {nearest(name, known)}")
        for name in needed:
            if name not in self.value:
                raise TextError(self.line, f"{path}.{name} is missing.")
        return self.value

    def items(self, path: str, most: int) -> list[Node]:
        """The elements of a list that has 1 to `most`. Errors: TextError."""
        if not isinstance(self.value, list) or not 0 < len(self.value) <= most:
            raise TextError(self.line, f"{path} is not a list of 1 to {most}: begin each with a dash.")
        return self.value

    def text(self, path: str, longest: int) -> str:
        """A text of 1 to `longest` characters, folded into one line. Errors: TextError."""
        text = " ".join(self.value.split()) if isinstance(self.value, str) else ""
        if not text:
            raise TextError(self.line, f"{path} is not a text: write a sentence, in quotes if it holds a colon.")
        if len(text) > longest or not text.isprintable():
            raise TextError(self.line, f"{path} is not a printable text of at most {longest} characters.")
        return text


def nearest(name: str, known: Collection[str]) -> str:
    """Say which known name was meant, or which there are."""
    near = difflib.get_close_matches(name[:200], known, n=1)
    return f'did you mean "{near[0]}"?' if near else f"known are {', '.join(known)}."


def read(text: str) -> Node:
    """Read one document. Errors: TextError."""
    try:
        events = _events(text)
        first = next(events, None)
        if first is None:
            raise TextError(1, "the file is empty.")
        root = _build(first, events, 0)
        more = next(events, None)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise TextError(line, f"is not YAML: {error.problem or error.context}.") from None
    except yaml.YAMLError:
        raise TextError(1, "is not YAML: it holds a character that is not text.") from None
    if more is not None:
        raise TextError(_line(more), "a second document begins here: one file holds one.")
    return root


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1


def _events(text: str) -> Iterator[yaml.Event]:
    """The events that build values; an anchor, an alias or a tag is refused."""
    for event in yaml.parse(text, yaml.SafeLoader):
        if isinstance(event, yaml.NodeEvent):
            if event.anchor or getattr(event, "tag", None):
                raise TextError(_line(event), "anchors, aliases and tags are not used here: write it out.")
            yield event
        elif isinstance(event, yaml.CollectionEndEvent):
            yield event


def _build(event: yaml.Event, events: Iterator[yaml.Event], depth: int) -> Node:
    line = _line(event)
    if isinstance(event, yaml.ScalarEvent):
        return Node(line, event.value)
    if depth == _DEEPEST:
        raise TextError(line, "the values are nested too deeply.")
    children: list[Node] = []
    for each in events:
        if isinstance(each, yaml.CollectionEndEvent):
            break
        children.append(_build(each, events, depth + 1))
    return Node(line, children if isinstance(event, yaml.SequenceStartEvent) else _pairs(children))


def _pairs(children: list[Node]) -> dict[str, Node]:
    found: dict[str, Node] = {}
    for name, value in zip(children[::2], children[1::2], strict=True):
        if not isinstance(name.value, str) or not name.value:
            raise TextError(name.line, "a name must be a text.")
        if name.value in found:
            raise TextError(name.line, f'"{name.value[:40]}" stands here twice.')
        found[name.value] = Node(name.line, value.value)
    return found
