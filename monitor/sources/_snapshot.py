"""An agent's JSON becomes a sample strictly, or one sentence that names the field that is wrong."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from monitor.model import Check, Position, Sample, Side
from monitor.outside import line

LARGEST = 1e15
"""No honest figure of an agent is larger, in whatever currency."""
MOST_CHECKS = 32
MOST_POSITIONS = 200
MOST_ENDPOINTS = 32
SECONDS = frozenset(
    {"heartbeat_age", "uptime", "venue_latency", "decision_age", "feed_age", "loop_lag", "clock_skew", "model_latency"}
)
SHARES = frozenset({"win_rate", "max_drawdown", "memory", "cpu", "venue_errors", "rate_limit", "model_errors"})
MONEY = frozenset({"balance", "equity"})
"""Without what is named for these the desk would be blind to losses."""
COUNTS = frozenset(
    {"open_positions", "errors_1h", "decisions_1h", "orders_1h", "rejects_1h", "repeated_orders", "tokens_1h"}
)
FLAGS = frozenset({"paused", "paper"})
PLAIN = frozenset({"pnl_1h", "pnl_24h", "pnl_7d", "sharpe", "available", "exposure", "leverage", "cost_1h", "cost_24h"})
FIELDS = SECONDS | SHARES | MONEY | COUNTS | FLAGS | PLAIN | {"status"}
"""Fields of a sample that an agent can fill; settings may map each to a dotted path in the agent's JSON."""
STRICT = frozenset(
    {
        *("status", "paused", "balance", "equity", "open_positions", "pnl_24h", "win_rate", "sharpe", "max_drawdown"),
        *("heartbeat_age", "errors_1h", "uptime", "memory", "cpu", "venue_latency"),
    }
)
"""The guide's: what stands under these names and makes no sense is an error."""
FALLBACKS = {"venue_latency": "api_latency_ms"}
"""What the guide's agents call a field; it may be an object, endpoint -> milliseconds."""

_KINDS = {type(None): "null", bool: "true or false", str: "text", list: "a list", dict: "an object"}


class BadAnswerError(Exception):
    """The agent answered something that is no snapshot; the message is one short sentence without a subject."""


def parse(body: bytes, **numbers: Any) -> Mapping[str, Any]:
    """Read a JSON object; `numbers` go to json.loads. Errors: BadAnswerError."""
    try:
        document = json.loads(body.decode(), **numbers)
    except UnicodeDecodeError:
        raise BadAnswerError("answered text that is not UTF-8") from None
    except RecursionError:
        raise BadAnswerError("answered JSON that is nested too deep") from None
    except json.JSONDecodeError as error:
        raise BadAnswerError(f"answered something that is not JSON (line {error.lineno})") from None
    except ValueError:  # an integer with thousands of digits
        raise BadAnswerError("answered JSON with an absurdly long number") from None
    if not isinstance(document, dict):
        raise BadAnswerError(f"answered {_describe(document)}, not a JSON object")
    return document


def read_sample(
    agent: str, document: Mapping[str, Any], paths: Mapping[str, str], time: float, latency: float | None
) -> Sample:
    """Read a snapshot; `paths` are the fields that are found elsewhere than under their own name.

    A path that ends in _ms is read as milliseconds where the field is in seconds, one in _pct as a percentage where it
    is a share. Errors: BadAnswerError.
    """
    _check_identity(agent, document)
    document, latencies = _without_endpoints(document)
    figures = {name: _figure(name, document, paths.get(name)) for name in FIELDS}
    checks = _read_checks(document.get("checks"))
    if figures["venue_latency"] is None:
        figures["venue_latency"] = latencies.get("venue")
    if not checks and all(value is None for value in figures.values()):
        raise BadAnswerError("answered none of the fields of a snapshot: name its own in `fields` of the source")
    if figures["equity"] is None:
        figures["equity"] = figures["balance"]
    positions = _read_positions(document.get("positions"))
    if positions is not None:
        figures["open_positions"] = len(positions)
    return Sample(
        agent,
        time,
        poll_latency=latency,
        checks=checks,
        latencies=tuple(sorted(latencies.items())[:MOST_ENDPOINTS]),
        positions=positions,
        **figures,
    )


def _read_positions(value: Any) -> tuple[Position, ...] | None:
    """What is open, sorted by asset, side and id; None where nothing is said, or something else is called so."""
    if not isinstance(value, list) or len(value) > MOST_POSITIONS:
        return None
    try:
        found = [_position(each) for each in value]
    except BadAnswerError:  # whole or not at all: half of it would look like positions that were closed
        return None
    return tuple(sorted(found, key=lambda each: (each.asset, each.side, each.id)))


def _position(value: Any) -> Position:
    row = value if isinstance(value, dict) else {}
    side, asset = row.get("side"), _text("asset", row.get("asset"), 64)
    size = _number("size", row.get("size"))
    if side not in ("long", "short") or size <= 0 or not asset:
        raise BadAnswerError("a position is none")
    entry, pnl = (None if row.get(name) is None else _number(name, row[name]) for name in ("entry_price", "pnl"))
    return Position(asset, Side(side), size, entry, pnl, _text("id", row.get("id") or "", 64))


def _without_endpoints(document: Mapping[str, Any]) -> tuple[Mapping[str, Any], dict[str, float]]:
    """What is said beside endpoints, and these: endpoint -> seconds."""
    by_endpoint = document.get("api_latency_ms")
    if not isinstance(by_endpoint, dict):
        return document, _read_latencies(document.get("latencies"), 1.0)
    rest = {name: value for name, value in document.items() if name != "api_latency_ms"}
    return rest, _read_latencies(by_endpoint, 0.001) | _read_latencies(document.get("latencies"), 1.0)


def _read_latencies(value: Any, unit: float) -> dict[str, float]:
    """Endpoint -> seconds; empty where nothing is said, or something else is called so."""
    pairs = list(value.items())[:MOST_ENDPOINTS] if isinstance(value, dict) else []
    try:
        return {line(str(name), 64): _number("latencies", each) * unit for name, each in pairs if each is not None}
    except BadAnswerError:
        return {}


def read_cursor(document: Mapping[str, Any], name: str) -> str | None:
    """Read a trades cursor; None when there is none. Errors: BadAnswerError."""
    value = document.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str) or value != line(value):
        raise BadAnswerError(f"{name} is {_describe(value)}, not a line of at most 200 characters")
    return value


def _check_identity(agent: str, document: Mapping[str, Any]) -> None:
    said = document.get("agent_id")
    if said is not None and said != agent:
        other = repr(line(said, 64)) if isinstance(said, str) else _describe(said)
        raise BadAnswerError(f"agent_id is {other}, not {agent!r}: check the url, it may be another agent's")


def _figure(name: str, document: Mapping[str, Any], mapped: str | None) -> Any:
    """A figure; one beyond the guide's that nobody named may be something else that is called so, and is left out."""
    if mapped is not None or name in STRICT:
        return _read(name, document, mapped)
    try:
        return _read(name, document, None)
    except BadAnswerError:
        return None


def _read(name: str, document: Mapping[str, Any], mapped: str | None) -> Any:
    path = mapped or (name if name in document else FALLBACKS.get(name, name))
    value: Any = document
    for key in path.split("."):
        if not isinstance(value, Mapping) or key not in value:
            if mapped and name in MONEY:  # without its money the desk would be blind to losses
                raise BadAnswerError(f"{path} ({name}) is missing: correct it in `fields` of the source")
            return None
        value = value[key]
    if value is None:
        return None
    shown = path if path == name else f"{path} ({name})"
    if name == "status":
        return _text(shown, value, 32)
    if name in FLAGS:
        return _boolean(shown, value)
    return _number(shown, value, whole=True) if name in COUNTS else _number(shown, value) * _unit(name, path)


def _unit(name: str, path: str) -> float:
    if name in SECONDS and path.endswith("_ms"):
        return 0.001
    return 0.01 if name in SHARES and path.endswith("_pct") else 1.0


def _number(shown: str, value: Any, *, whole: bool = False) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadAnswerError(f"{shown} is {_describe(value)}, not a number")
    if isinstance(value, float) and not math.isfinite(value):
        raise BadAnswerError(f"{shown} is {_describe(value)}, not a number")
    if abs(value) > LARGEST:
        raise BadAnswerError(f"{shown} is larger than {LARGEST:g}")
    if not whole:
        return float(value)
    if value != int(value):
        raise BadAnswerError(f"{shown} is {value:g}, not a whole number")
    return int(value)


def _text(shown: str, value: Any, limit: int) -> str:
    if not isinstance(value, str):
        raise BadAnswerError(f"{shown} is {_describe(value)}, not text")
    return line(value, limit)


def _boolean(shown: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise BadAnswerError(f"{shown} is {_describe(value)}, not true or false")
    return value


def _read_checks(value: Any) -> tuple[Check, ...]:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise BadAnswerError(f"checks is {_describe(value)}, not a list")
    found: dict[str, Check] = {}
    for index, each in enumerate(value[:MOST_CHECKS]):
        shown = f"checks[{index}]"
        if not isinstance(each, dict):
            raise BadAnswerError(f"{shown} is {_describe(each)}, not an object")
        name = _text(f"{shown}.name", each.get("name"), 64)
        if not name:
            raise BadAnswerError(f"{shown}.name is empty")
        detail = each.get("detail")
        check = Check(
            name,
            _boolean(f"{shown}.ok", each.get("ok")),
            "" if detail is None else _text(f"{shown}.detail", detail, 200),
        )
        if not check.ok or name not in found:  # of two with one name, the worse
            found[name] = check
    return tuple(found.values())


def _describe(value: Any) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity"
    return _KINDS.get(type(value), "a number")
