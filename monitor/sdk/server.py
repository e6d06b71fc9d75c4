"""The agent's HTTP face: /live for supervisors, /health, /metrics and /trades for watchers, orders for key holders."""

from __future__ import annotations

import hmac
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from aiohttp import web

from monitor.sdk.book import PAGE_LIMIT, Page

log = logging.getLogger("monitor.sdk")

BODY_LIMIT = 4096
BY_LIMIT = 100
REASON_LIMIT = 500

Order = Callable[[str, str], Awaitable[str]]
"""Carries out (by, reason) and returns what was done, in one sentence; raises OrderError."""


class OrderError(Exception):
    """An order was not carried out, or only in part; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class Face:
    """What the server shows and who may see it."""

    key: str | None = field(repr=False)
    local: bool
    """Whether only this machine can ask: then /health shows its checks to everybody."""
    live: Callable[[], Mapping[str, object]]
    health: Callable[[], Awaitable[tuple[bool, dict[str, object]]]]
    """Whether the agent is fit, and the payload."""
    snapshot: Callable[[], Awaitable[dict[str, object]]]
    page: Callable[[str, int], Page]
    orders: Mapping[str, Order]


def application(face: Face) -> web.Application:
    """Build the routes of one agent."""

    async def live(_request: web.Request) -> web.Response:
        return _json(face.live())

    async def health(request: web.Request) -> web.Response:
        fit, payload = await face.health()
        if not face.local and not _knows_key(face, request):
            payload = {name: payload[name] for name in ("status", "agent_id", "uptime", "timestamp")}
        return _json(payload, 200 if fit else 503)

    async def metrics(request: web.Request) -> web.Response:
        wants_text = _wants_prometheus(request)
        snapshot = await face.snapshot()
        if not wants_text:
            return _json(snapshot)
        # An agent that nobody scrapes need not load prometheus-client.
        from monitor.sdk import exposition  # noqa: PLC0415

        body = exposition.prometheus_text(snapshot, milliseconds=request.query.get("format") == "guide")
        return web.Response(body=body, headers={"Content-Type": exposition.CONTENT_TYPE})

    async def trades(request: web.Request) -> web.Response:
        try:
            page = face.page(request.query.get("since", ""), _limit(request))
        except ValueError as error:
            raise _error(web.HTTPBadRequest(), f"{error}.") from None
        return _json({"trades": [trade.row() for trade in page.trades], "next": page.next, "more": page.more})

    app = web.Application(client_max_size=BODY_LIMIT, middlewares=[_guard(face)])
    app.router.add_get("/live", live)
    app.router.add_get("/health", health)
    app.router.add_get("/metrics", metrics)
    app.router.add_get("/trades", trades)
    for name in ("pause", "resume", "close"):
        app.router.add_post(f"/{name}", _order(face, name))
    return app


def _guard(face: Face) -> Callable[..., Awaitable[web.StreamResponse]]:
    @web.middleware
    async def guard(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        try:
            _require_key(face, request)
            return await handler(request)
        except web.HTTPException as error:
            if error.content_type == "application/json":
                raise
            raise _error(error, f"{error.reason}.") from None
        except Exception:
            log.exception("the probe failed to answer %s", request.path)
            raise _error(
                web.HTTPInternalServerError(), "The probe failed to answer; the agent's log says why."
            ) from None

    return guard


def _order(face: Face, name: str) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        if face.key is None:
            raise _error(web.HTTPForbidden(), "This agent takes no orders: it was started without a key.")
        if name not in face.orders:
            raise _error(web.HTTPNotFound(), f"This agent cannot {name}: it was started without on_{name}.")
        by, reason = _who_and_why(await request.read())
        try:
            detail = await face.orders[name](by, reason)
        except OrderError as error:
            raise _error(web.HTTPInternalServerError(), str(error)) from None
        return _json({"ok": True, "detail": detail})

    return handle


def _require_key(face: Face, request: web.Request) -> None:
    if face.key is not None and request.path not in ("/live", "/health") and not _knows_key(face, request):
        refusal = web.HTTPUnauthorized(headers={"WWW-Authenticate": "Bearer"})
        raise _error(refusal, "The key is missing or wrong; send it as 'Authorization: Bearer KEY'.")


def _knows_key(face: Face, request: web.Request) -> bool:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if face.key is None or scheme.lower() != "bearer":
        return False
    return hmac.compare_digest(given.strip().encode("utf-8", "surrogateescape"), face.key.encode())


def _limit(request: web.Request) -> int:
    limit = request.query.get("limit", str(PAGE_LIMIT))
    if not (limit.isascii() and limit.isdigit() and len(limit) < 10 and int(limit) > 0):  # noqa: PLR2004 - ten digits are never meant
        raise _error(web.HTTPBadRequest(), f"limit must be a whole number from 1 to {PAGE_LIMIT}.")
    return min(int(limit), PAGE_LIMIT)


def _wants_prometheus(request: web.Request) -> bool:
    chosen = request.query.get("format")
    if chosen not in (None, "json", "prometheus", "guide"):
        raise _error(web.HTTPBadRequest(), "format must be json, prometheus, or guide for api_latency_ms as well.")
    if chosen is not None:
        return chosen != "json"
    accepts = {part.partition(";")[0].strip().lower() for part in request.headers.get("Accept", "").split(",")}
    return "application/json" not in accepts and bool(accepts & {"text/plain", "application/openmetrics-text"})


def _who_and_why(body: bytes) -> tuple[str, str]:
    said: object = {}
    if body.strip():
        try:
            said = json.loads(body)
        except (ValueError, RecursionError):
            said = None
    if not isinstance(said, dict):
        raise _error(web.HTTPBadRequest(), 'The body must be empty or JSON like {"by": "ana", "reason": "drawdown"}.')
    words = []
    for name, limit in (("by", BY_LIMIT), ("reason", REASON_LIMIT)):
        word = said.get(name, "")
        if not isinstance(word, str) or len(word) > limit:
            raise _error(web.HTTPBadRequest(), f"{name} must be a text of at most {limit} characters.")
        words.append(word)
    return words[0], words[1]


def _json(body: Mapping[str, object], status: int = 200) -> web.Response:
    text = json.dumps(body, allow_nan=False, separators=(",", ":"))
    return web.json_response(text=text, status=status, headers={"Cache-Control": "no-store"})


def _error(response: web.HTTPException, sentence: str) -> web.HTTPException:
    response.content_type = "application/json"
    response.text = json.dumps({"error": sentence})
    return response
