"""Slack's own framework tells commands, buttons and events apart; an order begins after Slack has its answer."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

from bot.platforms.slack.api import Identity, quiet
from bot.platforms.slack.incoming import Order, mention, press, slash

Begin = Callable[[], None]
Take = Callable[[str, str | dict[str, Any], dict[str, Any]], Awaitable[tuple[BoltResponse, Begin]]]
"""Read a request, from mode ("http", "socket_mode"), body and headers: what to answer Slack, and what to begin then."""
log = structlog.get_logger()
_ANYTHING = re.compile("")


def taking(client: AsyncWebClient, who: Callable[[], Identity], begin: Callable[[Order], None]) -> Take:
    """Read requests that surely are Slack's; `begin` is given each order."""
    app = _app(client, who)

    async def take(mode: str, body: str | dict[str, Any], headers: dict[str, Any]) -> tuple[BoltResponse, Begin]:
        try:
            request = AsyncBoltRequest(mode=mode, body=body, headers=headers)
        except Exception as error:  # noqa: BLE001 -- it reads foreign JSON without looking, and breaks on it in any way
            log.warning("a request of Slack could not be read", error=type(error).__name__)
            return BoltResponse(status=400, body=""), lambda: None
        response = await app.async_dispatch(request)
        order = request.context.get("order")
        return response, lambda: begin(order) if isinstance(order, Order) else None

    return take


def _app(client: AsyncWebClient, who: Callable[[], Identity]) -> AsyncApp:
    async def authorize() -> AuthorizeResult:
        us = who()  # known since the start: nothing is asked while Slack waits for its answer
        return AuthorizeResult(
            enterprise_id=None, team_id=None, bot_user_id=us.user, bot_id=us.bot, bot_token=client.token
        )

    app = AsyncApp(
        name="slack_bolt.nightdesk",
        logger=quiet,
        client=client,
        authorize=authorize,
        process_before_response=True,
        request_verification_enabled=False,  # done before, on the bytes themselves
    )

    async def on_command(ack: Any, body: dict[str, Any], context: dict[str, Any]) -> None:
        context["order"] = slash(body)
        await ack()

    async def on_press(ack: Any, body: dict[str, Any], context: dict[str, Any]) -> None:
        context["order"] = press(body)
        await ack()

    async def on_event(body: dict[str, Any], context: dict[str, Any]) -> None:
        context["order"] = mention(body, who().user)

    app.command(_ANYTHING)(on_command)
    app.action(_ANYTHING)(on_press)
    app.event(_ANYTHING)(on_event)
    return app
