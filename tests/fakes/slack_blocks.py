"""What Slack takes as the look of a message, what it refuses with which code, and what a person then reads."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

ALL_BLOCKS = 13_200
"""Characters of JSON from which all blocks together are too long."""
LONGEST_TEXT = 40_000
LARGEST_METADATA = 8_000
_TEXT_KEYS = {"plain_text": {"type", "text", "emoji"}, "mrkdwn": {"type", "text", "verbatim"}}
_BUTTON_KEYS = {"type", "text", "action_id", "value", "style", "url", "confirm", "accessibility_label"}
_BLOCK_KEYS = {
    "header": {"text"},
    "section": {"text", "fields", "accessory", "expand"},
    "context": {"elements"},
    "actions": {"elements"},
    "divider": set[str](),
}
_COLOUR = re.compile(r"#[0-9A-Fa-f]{6}|good|warning|danger")
_FENCE = re.compile(r"```\n?(.*?)\n?```", re.DOTALL)
_REFERENCE = re.compile(r"<[@#!][^>]*>|<https?://[^>]*>")


class RefusalError(Exception):
    """Slack's code for what it refuses, and its pointer to the place."""

    def __init__(self, code: str, where: str = "") -> None:
        super().__init__(f"{code} {where}".strip())
        self.code = code
        self.where = where


def judge(payload: Mapping[str, Any]) -> None:
    """Raise RefusalError unless Slack would show this message."""
    text, blocks, attachments = (payload.get(name) for name in ("text", "blocks", "attachments"))
    if not (isinstance(text, str) and text.strip()) and not blocks and not attachments:
        raise RefusalError("no_text")
    if text is not None and not isinstance(text, str):
        raise RefusalError("invalid_arguments", "text")
    if len(text or "") > LONGEST_TEXT:
        raise RefusalError("msg_too_long")
    _metadata(payload.get("metadata"))
    seen: set[str] = set()
    found = _list(blocks, "blocks", "invalid_blocks")
    total = _blocks(found, "/blocks", seen)
    each: Any
    for index, each in enumerate(_list(attachments, "attachments", "invalid_attachments")):
        where = f"/attachments/{index}"
        if not isinstance(each, dict):
            raise RefusalError("invalid_attachments", where)
        if "color" in each and not _COLOUR.fullmatch(str(each["color"])):
            raise RefusalError("invalid_attachments", f"{where}/color")
        inner = _list(each.get("blocks"), f"{where}/blocks", "invalid_blocks")
        if not inner and not each.get("text") and not each.get("fallback"):
            raise RefusalError("no_text", where)
        total += _blocks(inner, f"{where}/blocks", seen)
        found = [*found, *inner]
    if len(found) > 50:
        raise RefusalError("invalid_blocks", "no more than 50 items allowed")
    if total > ALL_BLOCKS:
        raise RefusalError("msg_blocks_too_long")


def _metadata(value: Any) -> None:
    """What a message carries unseen: one event with a payload; nothing in it takes it away."""
    if value is None or value == {}:
        return
    if not isinstance(value, dict) or set(value) != {"event_type", "event_payload"}:
        raise RefusalError("invalid_metadata_format")
    kind, payload = value["event_type"], value["event_payload"]
    if not isinstance(kind, str) or not re.fullmatch(r"[A-Za-z0-9_.-]{1,255}", kind) or not isinstance(payload, dict):
        raise RefusalError("invalid_metadata_format")
    if len(json.dumps(payload)) > LARGEST_METADATA:
        raise RefusalError("metadata_too_large")


def _list(value: object, where: str, code: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list) or len(value) > 100:
        raise RefusalError(code, where)
    return value


def _blocks(blocks: Sequence[Any], where: str, seen: set[str]) -> int:
    if len(blocks) > 50:
        raise RefusalError("invalid_blocks", f"no more than 50 items allowed [{where}]")
    for index, each in enumerate(blocks):
        _block(each, f"{where}/{index}", seen)
    return len(json.dumps(blocks, ensure_ascii=False)) if blocks else 0


def _block(block: Any, where: str, seen: set[str]) -> None:
    kind = block.get("type") if isinstance(block, dict) else None
    if not isinstance(kind, str) or kind not in _BLOCK_KEYS:
        raise RefusalError("invalid_blocks", f"unsupported type {kind} [{where}]")
    extra = set(block) - _BLOCK_KEYS[kind] - {"type", "block_id"}
    if extra:
        raise RefusalError("invalid_blocks", f"invalid additional property: {min(extra)} [{where}]")
    if "block_id" in block:
        _unique(block["block_id"], seen, f"{where}/block_id")
    if kind == "header":
        _text(block.get("text"), 150, f"{where}/text", kinds=("plain_text",))
    elif kind == "section":
        _section(block, where, seen)
    elif kind in ("context", "actions"):
        elements, most = block.get("elements"), 10 if kind == "context" else 25
        if not isinstance(elements, list) or not 0 < len(elements) <= most:
            raise RefusalError("invalid_blocks", f"1 to {most} items allowed [{where}/elements]")
        for index, each in enumerate(elements):
            at = f"{where}/elements/{index}"
            if kind == "context":
                _text(each, 3_000, at)
            else:
                _button(each, at, seen)


def _section(block: Mapping[str, Any], where: str, seen: set[str]) -> None:
    if "text" not in block and "fields" not in block:
        raise RefusalError("invalid_blocks", f"missing required field: text [{where}]")
    if "text" in block:
        _text(block["text"], 3_000, f"{where}/text")
    if "fields" in block:
        fields = block["fields"]
        if not isinstance(fields, list) or not 0 < len(fields) <= 10:
            raise RefusalError("invalid_blocks", f"no more than 10 items allowed [{where}/fields]")
        for index, each in enumerate(fields):
            _text(each, 2_000, f"{where}/fields/{index}")
    if "accessory" in block:
        _button(block["accessory"], f"{where}/accessory", seen)


def _text(text: Any, most: int, where: str, kinds: Sequence[str] = ("plain_text", "mrkdwn")) -> None:
    kind = text.get("type") if isinstance(text, dict) else None
    if not isinstance(kind, str) or kind not in kinds:
        raise RefusalError("invalid_blocks", f"must be one of {kinds} [{where}/type]")
    if set(text) - _TEXT_KEYS[kind]:
        raise RefusalError("invalid_blocks", f"invalid additional property [{where}]")
    said = text.get("text")
    if not isinstance(said, str) or not said.strip():
        raise RefusalError("invalid_blocks", f"must be more than 0 characters [{where}/text]")
    if len(said) > most:
        raise RefusalError("invalid_blocks", f"must be less than {most + 1} characters [{where}/text]")


def _button(button: Any, where: str, seen: set[str]) -> None:
    if not isinstance(button, dict) or button.get("type") != "button" or set(button) - _BUTTON_KEYS:
        raise RefusalError("invalid_blocks", f"unsupported element [{where}]")
    _text(button.get("text"), 75, f"{where}/text", kinds=("plain_text",))
    if len(str(button.get("value", ""))) > 2_000:
        raise RefusalError("invalid_blocks", f"must be less than 2001 characters [{where}/value]")
    if button.get("style", "primary") not in ("primary", "danger"):
        raise RefusalError("invalid_blocks", f"[{where}/style]")
    _unique(button.get("action_id"), seen, f"{where}/action_id")


def _unique(name: object, seen: set[str], where: str) -> None:
    if not isinstance(name, str) or not 0 < len(name) <= 255:
        raise RefusalError("invalid_blocks", f"1 to 255 characters [{where}]")
    if name in seen:
        raise RefusalError("invalid_blocks", f"`{name}` is already in use [{where}]")
    seen.add(name)


def every_block(payload: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Every block of a message, in the order in which a person sees them."""
    inner = [block for each in payload.get("attachments") or [] for block in each.get("blocks") or []]
    return [*(payload.get("blocks") or []), *inner]


def reading(payload: Mapping[str, Any]) -> str:
    """What a person reads: the blocks, a line for each text, or the text where there are none."""
    blocks = every_block(payload)
    if not blocks:
        return shown(str(payload.get("text") or ""))
    return "\n".join(text for block in blocks for text in _texts(block))


def _texts(block: Mapping[str, Any]) -> Iterator[str]:
    parts = [block.get("text"), *(block.get("fields") or []), *(block.get("elements") or [])]
    for part in parts:
        if part is None:
            continue
        if part["type"] == "button":
            yield str(part["text"]["text"])
        elif part["type"] == "plain_text":
            yield str(part["text"])
        else:
            yield shown(str(part["text"]), marked=True)


def shown(text: str, *, marked: bool = False) -> str:
    """Slack's markup as a person sees it: code without its fence, and bold (where `marked`) without its stars."""
    text = _FENCE.sub(r"\1", text)
    if marked:
        text = re.sub(r"^\*(.*)\*$", r"\1", text)
    return text.replace("\u200b", "").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def pings(payload: Mapping[str, Any]) -> list[str]:
    """Every reference to people, channels or addresses that Slack would follow."""
    marked = [
        part["text"]
        for block in every_block(payload)
        for part in [block.get("text"), *(block.get("fields") or []), *(block.get("elements") or [])]
        if part is not None and part["type"] == "mrkdwn"
    ]
    return [found for text in [str(payload.get("text") or ""), *marked] for found in _REFERENCE.findall(text)]


def buttons(payload: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Every button of a message."""
    return [
        each
        for block in every_block(payload)
        for each in [*(block.get("elements") or []), block.get("accessory")]
        if each is not None and each["type"] == "button"
    ]
