"""Four addresses to read: /live, /ready and /health for supervisors, /metrics for Prometheus."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass

import structlog
from aiohttp import web

from monitor.exposition import CONTENT_TYPE

log = structlog.get_logger()

WAITING = 8
"""Requests for /metrics that may wait for their turn."""
ENDS_WITHIN = 1.0
"""Seconds that requests under way have at the end."""


@dataclass(frozen=True, slots=True)
class Health:
    """Whether the desk truly watches and is able to page."""

    why: str | None
    """Why not, in one sentence without secrets; None while it is well."""
    checks: Mapping[str, str | None]
    """Each thing it depends on -> why that fails."""
    uptime: float
    version: str


@dataclass(frozen=True, slots=True)
class Face:
    """What is shown."""

    ready: Callable[[], bool]
    health: Callable[[], Health]
    metrics: Callable[[bool], Awaitable[bytes]]
    """Prometheus text; True: with the guide's milliseconds too."""


@contextlib.asynccontextmanager
async def serving(host: str, port: int, face: Face) -> AsyncIterator[int]:
    """Answer until the block ends; gives the port, which was free to choose if 0. Errors: OSError."""
    runner = web.AppRunner(_application(face), access_log=None, handle_signals=False, shutdown_timeout=ENDS_WITHIN)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def _application(face: Face) -> web.Application:
    turn, waiting = asyncio.Lock(), 0

    async def live(_request: web.Request) -> web.Response:
        return _json({"status": "ok"})

    async def ready(_request: web.Request) -> web.Response:
        return _json({"status": "ok"}) if face.ready() else _json({"status": "starting or stopping"}, 503)

    async def health(_request: web.Request) -> web.Response:
        found = face.health()
        body = {
            "status": "ok" if found.why is None else "unwell",
            "why": found.why,
            "checks": {name: why or "ok" for name, why in found.checks.items()},
            "uptime": round(found.uptime, 3),
            "version": found.version,
        }
        return _json(body, 200 if found.why is None else 503)

    async def metrics(request: web.Request) -> web.Response:
        nonlocal waiting
        wants = request.query.get("format", "prometheus")
        if wants not in ("prometheus", "guide"):
            return _json({"error": "format is prometheus, or guide for api_latency_ms as well."}, 400)
        if waiting >= WAITING:
            return _json({"error": "too many ask at once: ask again in a moment."}, 503)
        waiting += 1
        try:
            async with turn:
                body = await face.metrics(wants == "guide")
        finally:
            waiting -= 1
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE, "Cache-Control": "no-store"})

    app = web.Application(client_max_size=1024, middlewares=[_guard])
    for path, handler in (("/live", live), ("/ready", ready), ("/health", health), ("/metrics", metrics)):
        app.router.add_get(path, handler)
    return app


@web.middleware
async def _guard(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPException:
        raise
    except Exception:
        log.exception("a request could not be answered", path=request.path[:100])
        return _json({"error": "The desk failed to answer; its log says why."}, 500)


def _json(body: Mapping[str, object], status: int = 200) -> web.Response:
    text = json.dumps(body, allow_nan=False, ensure_ascii=False)
    return web.json_response(text=text, status=status, headers={"Cache-Control": "no-store"})
