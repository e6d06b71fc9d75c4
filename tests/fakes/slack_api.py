"""The methods of Slack's Web API, its webhooks and its response_urls: what each takes, refuses and does."""

from __future__ import annotations

import base64
import contextlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tests.fakes.slack_blocks import RefusalError, judge
from tests.fakes.slack_faults import Fault

if TYPE_CHECKING:
    from tests.fakes.slack import Channel, FakeSlack
    from tests.fakes.slack_delivery import Hook

SCOPES = {
    "chat.postMessage": "chat:write",
    "chat.update": "chat:write",
    "chat.postEphemeral": "chat:write",
    "conversations.info": "channels:read",
    "files.getUploadURLExternal": "files:write",
    "files.completeUploadExternal": "files:write",
}
ALT = 1_000
PARTS = ("text", "blocks", "attachments", "metadata")
"""The parts of a message; what a change does not name stays."""


@dataclass(frozen=True)
class Shared:
    """A file that a message shows."""

    name: str
    alt: str
    data: bytes


class Api:
    """Answers requests on behalf of one Slack."""

    def __init__(self, slack: FakeSlack) -> None:
        self._slack = slack
        self._methods: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
            "auth.test": self._auth,
            "apps.connections.open": self._open,
            "chat.postMessage": self._post,
            "chat.update": self._update,
            "chat.postEphemeral": self._whisper,
            "conversations.info": self._info,
            "conversations.history": self._history,
            "files.getUploadURLExternal": self._upload_url,
            "files.completeUploadExternal": self._upload_done,
        }

    def routes(self) -> list[web.RouteDef]:
        """Where each is found."""
        return [
            web.route("*", "/api/{method}", self._call),
            web.post("/services/{tail:.*}", self._webhook),
            web.post("/response/{hook}", self._response),
            web.post("/upload/{file}", self._upload),
        ]

    async def _call(self, request: web.Request) -> web.StreamResponse:
        slack, method, began = self._slack, request.match_info["method"], time.monotonic()
        arguments = await _arguments(request)
        fault = slack.faults.met(method)
        if fault is not None and fault.does in ("hang", "reset before"):
            slack.note(method, arguments, fault.does, began)
            if fault.does == "hang":
                await slack.faults.released.wait()
            return _drop(request)
        refusal = slack.faults.refusal(method, arguments, fault)
        if refusal is not None:
            slack.note(method, arguments, refusal[1], began)
            return refusal[0]
        outcome, answer = self._answer(method, arguments, request)
        if fault is not None and fault.does == "reset after":
            slack.note(method, arguments, f"{outcome}, reset after", began)
            return _drop(request)
        slack.note(method, arguments, outcome, began)
        return web.json_response(answer, headers={"X-OAuth-Scopes": ",".join(sorted(slack.scopes))})

    def _answer(self, method: str, arguments: Mapping[str, Any], request: web.Request) -> tuple[str, dict[str, Any]]:
        try:
            self._allowed(method, arguments, request)
            return "ok", {"ok": True, **self._methods[method](arguments)}
        except RefusalError as error:
            answer: dict[str, Any] = {"ok": False, "error": error.code}
            if error.code == "missing_scope":
                answer |= {"needed": error.where, "provided": ",".join(sorted(self._slack.scopes))}
            elif error.where:
                answer["response_metadata"] = {"messages": [f"[ERROR] {error.where}"]}
            return error.code, answer

    def _allowed(self, method: str, arguments: Mapping[str, Any], request: web.Request) -> None:
        slack = self._slack
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        token = token if kind == "Bearer" else str(arguments.get("token") or "")
        if not token:
            raise RefusalError("not_authed")
        if token in slack.revoked:
            raise RefusalError("token_revoked")
        if token != (slack.app_token if method == "apps.connections.open" else slack.bot_token):
            known = token in (slack.app_token, slack.bot_token)
            raise RefusalError("not_allowed_token_type" if known else "invalid_auth")
        scope = SCOPES.get(method)
        if scope is not None and scope not in slack.scopes:
            raise RefusalError("missing_scope", scope)
        if method not in self._methods:
            raise RefusalError("unknown_method")

    def _where(self, arguments: Mapping[str, Any], name: str = "channel", *, writes: bool = True) -> Channel:
        channel = self._slack.channels.get(str(arguments.get(name) or ""))
        if channel is None:
            raise RefusalError("channel_not_found")
        if writes and channel.archived:
            raise RefusalError("is_archived")
        if writes and not channel.member:
            raise RefusalError("not_in_channel")
        return channel

    def _auth(self, _arguments: Mapping[str, Any]) -> dict[str, Any]:
        slack = self._slack
        ids = {"team_id": slack.team, "user_id": slack.user, "bot_id": slack.bot}
        return {"url": slack.origin, "team": "Desk", "user": "nightdesk", **ids}

    def _open(self, _arguments: Mapping[str, Any]) -> dict[str, Any]:
        address = self._slack.origin.replace("http", "ws", 1)
        return {"url": f"{address}/socket/{self._slack.deliveries.ticket()}"}

    def _post(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        channel = self._where(arguments)
        judge(arguments)
        posted = self._slack.keep(channel.id, arguments)
        return {"channel": channel.id, "ts": posted.ts, "message": posted.payload}

    def _update(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        channel = self._where(arguments)
        where = (channel.id, str(arguments.get("ts") or ""))
        posted = next((each for each in self._slack.messages if (each.channel, each.ts) == where), None)
        if posted is None:
            raise RefusalError("message_not_found")
        if posted.author != self._slack.user:
            raise RefusalError("cant_update_message")
        new = {**posted.payload, **{name: arguments[name] for name in PARTS if name in arguments}}
        judge(new)
        posted.versions.append(posted.payload)
        posted.payload = new
        return {"channel": channel.id, "ts": posted.ts, "text": new.get("text", "")}

    def _whisper(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        channel, user = self._where(arguments), str(arguments.get("user") or "")
        if not user:
            raise RefusalError("user_not_in_channel")
        judge(arguments)
        return {"message_ts": self._slack.keep(channel.id, arguments, only=user).ts}

    def _info(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        channel = self._where(arguments, writes=False)
        about = {"id": channel.id, "name": channel.name, "is_member": channel.member, "is_archived": channel.archived}
        return {"channel": {**about, "is_private": False, "is_channel": True}}

    def _history(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        channel = self._where(arguments)
        if channel.history not in self._slack.scopes:
            raise RefusalError("missing_scope", channel.history)
        oldest, all_of_it = float(arguments.get("oldest") or 0), _true(arguments.get("include_all_metadata"))
        us = {"bot_id": self._slack.bot}
        found = [
            {
                "type": "message",
                "user": each.author,
                "ts": each.ts,
                **(us if each.author == self._slack.user else {}),
                **({"thread_ts": each.thread_ts, "subtype": "thread_broadcast"} if each.broadcast else {}),
                **{name: value for name, value in each.payload.items() if all_of_it or name != "metadata"},
            }
            for each in reversed(self._slack.messages)
            if each.channel == channel.id and float(each.ts) > oldest and (each.thread_ts is None or each.broadcast)
        ]
        most = int(arguments.get("limit") or 100)
        if not 0 < most < 1_000:
            raise RefusalError("invalid_limit")
        start = _start(str(arguments.get("cursor") or ""))
        left = len(found) - start - most
        cursor = base64.b64encode(f"next:{start + most}".encode()).decode() if left > 0 else ""
        about = {"response_metadata": {"next_cursor": cursor}} if cursor else {}
        return {"messages": found[start : start + most], "has_more": left > 0, **about}

    def _upload_url(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        if not arguments.get("filename") or not int(arguments.get("length") or 0):
            raise RefusalError("invalid_arguments")
        if len(str(arguments.get("alt_txt") or "")) > ALT:
            raise RefusalError("alt_txt_too_large")
        name = f"F0{len(self._slack.files):06}"
        self._slack.files[name] = b""
        self._slack.uploads[name] = arguments
        return {"upload_url": f"{self._slack.origin}/upload/{name}", "file_id": name}

    def _upload_done(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        channel, given = self._where(arguments, "channel_id"), arguments.get("files")
        files: list[dict[str, Any]] = json.loads(given) if isinstance(given, str) else given or []
        ids = [str(each.get("id")) for each in files]
        if not ids or any(not self._slack.files.get(each) or each in self._slack.shared for each in ids):
            raise RefusalError("file_not_found")
        said = {
            "text": str(arguments.get("initial_comment") or files[0].get("title") or "file"),
            **({"thread_ts": arguments["thread_ts"]} if arguments.get("thread_ts") else {}),
        }
        posted = self._slack.keep(channel.id, said)
        about = self._slack.uploads
        posted.files = tuple(
            Shared(str(about[each]["filename"]), str(about[each].get("alt_txt") or ""), self._slack.files[each])
            for each in ids
        )
        self._slack.shared.update(ids)
        return {"files": files}

    async def _upload(self, request: web.Request) -> web.Response:
        name, slack = request.match_info["file"], self._slack
        fault = slack.faults.met("upload")
        if fault is not None and fault.does == "reset before":
            return _drop(request)
        if fault is not None and fault.does == "status":
            return web.Response(status=fault.says)
        if name not in slack.files or slack.files[name]:  # an address takes one file
            return web.Response(status=404)
        data = await request.read()
        if len(data) != int(slack.uploads[name]["length"]):
            return web.Response(status=400, text="length mismatch")
        slack.files[name] = data
        return web.Response(text=f"OK - {len(data)}")

    async def _webhook(self, request: web.Request) -> web.StreamResponse:
        if f"{self._slack.origin}{request.path}" != self._slack.webhook:
            return web.Response(status=404, text="no_service")
        return await self._said(request, "webhook", None)

    async def _response(self, request: web.Request) -> web.StreamResponse:
        hook = self._slack.hooks.get(request.match_info["hook"])
        problem = "invalid_url" if hook is None else hook.spend()
        if problem is not None:
            self._slack.note("response_url", {}, problem)
            return web.json_response({"ok": False, "error": problem}, status=404)
        return await self._said(request, "response_url", hook)

    async def _said(self, request: web.Request, method: str, hook: Hook | None) -> web.StreamResponse:
        slack = self._slack
        fault = slack.faults.met(method)
        try:
            arguments = json.loads(await request.text())
        except ValueError:
            return web.Response(status=400, text="invalid_payload")
        troubled = await self._troubled(request, method, arguments, fault)
        if troubled is not None:
            return troubled
        channel = slack.channels.get(hook.channel if hook is not None else slack.channel)
        only = hook.user if hook is not None and arguments.get("response_type") != "in_channel" else None
        try:
            if channel is not None and channel.archived:
                raise RefusalError("channel_is_archived")  # noqa: TRY301 -- it is a refusal like those of judge
            judge(arguments)
            slack.keep(hook.channel if hook is not None else slack.channel, arguments, method, only)
        except RefusalError as error:
            slack.note(method, arguments, error.code)
            return web.Response(status=410 if error.code == "channel_is_archived" else 400, text=error.code)
        if fault is not None and fault.does == "reset after":
            return _drop(request)
        slack.note(method, arguments, "ok")
        return web.Response(text="ok")

    async def _troubled(
        self, request: web.Request, method: str, arguments: Mapping[str, Any], fault: Fault | None
    ) -> web.StreamResponse | None:
        slack = self._slack
        if fault is not None and fault.does in ("hang", "reset before"):
            slack.note(method, arguments, fault.does)
            if fault.does == "hang":
                await slack.faults.released.wait()
            return _drop(request)
        refusal = slack.faults.refusal(method, arguments, fault)
        if refusal is None:
            return None
        slack.note(method, arguments, refusal[1])
        return web.Response(status=400, text=refusal[1]) if fault and fault.does == "code" else refusal[0]


def _start(cursor: str) -> int:
    """Where a page begins. Errors: RefusalError."""
    if not cursor:
        return 0
    try:
        name, _, number = base64.b64decode(cursor, validate=True).decode().partition(":")
    except ValueError:
        raise RefusalError("invalid_cursor") from None
    if name != "next" or not number.isdecimal():
        raise RefusalError("invalid_cursor")
    return int(number)


def _true(value: object) -> bool:
    return value in (True, 1, "1", "true", "True")


def _drop(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def _arguments(request: web.Request) -> dict[str, Any]:
    """The arguments of a call, from its address, its form or its JSON; a structure in a form is JSON itself."""
    found: dict[str, Any] = dict(request.query)
    if request.content_type == "application/json":
        with contextlib.suppress(ValueError):
            body = await request.json()
            found |= body if isinstance(body, dict) else {}
        return found
    for name, value in (await request.post()).items():
        found[name] = value
        if name in PARTS[1:] and isinstance(value, str):
            with contextlib.suppress(ValueError):
                found[name] = json.loads(value)
    return found
