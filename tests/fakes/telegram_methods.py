"""The methods of the fake Bot API: what each takes, refuses and answers."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from tests.fakes.telegram_html import Entity
from tests.fakes.telegram_values import (
    ALERT,
    CAPTION,
    Answer,
    Entry,
    File,
    Json,
    Refuse,
    bad,
    commands_of,
    keys_of,
    kind_of,
    photo_of,
    text_of,
    whole,
)

Params = Mapping[str, str]
Files = Mapping[str, tuple[str, bytes]]
RIVAL = "terminated by other getUpdates request; make sure that only one bot instance is running"
LATE = "query is too old and response timeout expired or query ID is invalid"


class Methods:
    """What a bot, its chats and its people are now, and the calls that read and change it."""

    def __init__(self, token: str, chat: int, username: str) -> None:
        self.token = token
        self.chat = chat
        """The group that the bot is a member of."""
        self.bot: Json = {
            "id": int(token.partition(":")[0]),
            "is_bot": True,
            "first_name": "Desk",
            "username": username,
        }
        self.reads_all = False
        """Whether privacy mode is off."""
        self.admin = False
        """Whether the bot is an administrator of the group."""
        self.titles = {chat: "On call"}
        """Groups that the bot is a member of."""
        self.topics: set[int] = set()
        self.users: set[int] = set()
        """People the bot has met."""
        self.started: set[int] = set()
        """Those it may write to in private."""
        self.blocked: set[int] = set()
        self.kicked: set[int] = set()
        """Groups that it was removed from."""
        self.no_photos: set[int] = set()
        """Groups that let it send text alone."""
        self.moved: dict[int, int] = {}
        self.messages: list[Entry] = []
        """What the bot says, as it is now; what was deleted is not there."""
        self.answers: list[Answer] = []
        self.queries: dict[str, bool] = {}
        """Press -> whether it may still be answered."""
        self.commands: dict[str, str] = {}
        self.webhook = ""
        self.updates: list[Json] = []
        """What was not confirmed yet."""
        self.update_id = 900_000
        self.kinds: tuple[str, ...] = ()
        self.closing = False
        self.changed = asyncio.Event()
        self.methods: dict[str, Callable[[Params, Files], Awaitable[Any]]] = {
            "getme": self._me,
            "getupdates": self._updates,
            "sendmessage": self._send,
            "senddocument": self._document,
            "sendphoto": self._photo,
            "editmessagetext": self._edit,
            "answercallbackquery": self._answer,
            "setmycommands": self._set_commands,
            "getmycommands": self._get_commands,
            "getwebhookinfo": self._webhook_info,
            "deletewebhook": self._delete_webhook,
            "getchat": self._chat,
            "getchatmember": self._member,
        }
        self.polling = 0
        """Polls that wait for something to come."""
        self._poll = 0
        self._ids: dict[int, int] = {}

    def notify(self) -> None:
        """Wake whoever waits for something to change."""
        self.changed.set()
        self.changed = asyncio.Event()

    def kick(self) -> None:
        """Remove the bot from the group."""
        self.kicked.add(self.chat)

    def block(self, user: int) -> None:
        """Somebody blocks the bot."""
        self.blocked.add(user)

    def delete(self, entry: Entry) -> None:
        """Somebody deletes a message of the bot."""
        self.messages.remove(entry)

    def migrate(self, to: int) -> None:
        """The group becomes a supergroup with another id."""
        self.moved[self.chat] = to
        self.titles[to] = self.titles.pop(self.chat)
        self.chat = to

    def find(self, chat: int, message: int) -> Entry | None:
        """The message of the bot with this id."""
        return next((each for each in self.messages if (each.chat, each.id) == (chat, message)), None)

    def next_message(self, chat: int) -> int:
        """The next message id of a chat."""
        self._ids[chat] = self._ids.get(chat, 100) + 1
        return self._ids[chat]

    def user_json(self, user: int, *, bot: bool = False) -> Json:
        """A person as the Bot API shows them."""
        return {"id": user, "is_bot": bot, "first_name": f"Person {user}", "username": f"person{user}"}

    def chat_json(self, chat: int) -> Json:
        """A chat as the Bot API shows it."""
        if chat > 0:
            return {"id": chat, "type": "private", "first_name": f"Person {chat}"}
        forum = {"is_forum": True} if self.topics and chat == self.chat else {}
        return {"id": chat, "type": kind_of(chat), "title": self.titles.get(chat, "Elsewhere"), **forum}

    def entry_json(self, entry: Entry) -> Json:
        """A message of the bot as the Bot API shows it."""
        shown: Json = {
            "message_id": entry.id,
            "date": entry.date,
            "chat": self.chat_json(entry.chat),
            "from": self.bot,
        }
        if entry.photo is not None:
            sizes = {"file_id": "p", "file_unique_id": "q", "width": 1_200, "height": 900}
            shown |= {"photo": [sizes], "caption": entry.text}
            shown["caption_entities"] = [self.entity_json(each) for each in entry.entities]
        elif entry.file is not None:
            shown["document"] = {"file_id": "f", "file_unique_id": "u", "file_name": entry.file.name}
        else:
            shown["text"] = entry.text
            shown["entities"] = [self.entity_json(each) for each in entry.entities]
        if entry.thread is not None:
            shown |= {"message_thread_id": entry.thread, "is_topic_message": True}
        if entry.keys:
            rows = [[{"text": key.text, "callback_data": key.line} for key in row] for row in entry.keys]
            shown["reply_markup"] = {"inline_keyboard": rows}
        return shown

    def entity_json(self, entity: Entity) -> Json:
        """A marked part of a text as the Bot API shows it."""
        shown: Json = {"type": entity.type, "offset": entity.offset, "length": entity.length}
        if entity.type == "text_mention":
            shown["user"] = self.user_json(int(entity.to))
        return shown | ({"url": entity.to} if entity.type == "text_link" else {})

    def _where(self, params: Params) -> int:
        """The chat of a call, if the bot may write there. Errors: Refuse."""
        chat = whole(params, "chat_id")
        if chat is None:
            raise bad("chat_id is empty")
        if chat in self.moved:
            raise bad("group chat was upgraded to a supergroup chat", migrate_to_chat_id=self.moved[chat])
        if chat in self.kicked:
            raise Refuse(403, f"Forbidden: bot was kicked from the {kind_of(chat)} chat")
        if chat in self.blocked:
            raise Refuse(403, "Forbidden: bot was blocked by the user")
        if chat in self.users and chat not in self.started:
            raise Refuse(403, "Forbidden: bot can't initiate conversation with a user")
        if chat not in self.titles and chat not in self.started:
            raise bad("chat not found")
        return chat

    def _new(self, params: Params, chat: int) -> Entry:
        thread = whole(params, "message_thread_id")
        if thread is not None and (chat != self.chat or thread not in self.topics):
            raise bad("message thread not found")
        answered = None
        if "reply_parameters" in params:
            reply = json.loads(params["reply_parameters"])
            answered = reply["message_id"]
            known = self.find(chat, answered) is not None or answered <= self._ids.get(chat, 0)
            if not known and not reply.get("allow_sending_without_reply"):
                raise bad("message to be replied not found")
        silent = params.get("disable_notification") == "true"
        return Entry(0, chat, round(time.time()), thread, silent=silent, reply_to=answered)

    def _keep(self, entry: Entry) -> Json:
        entry.id = self.next_message(entry.chat)
        self.messages.append(entry)
        return self.entry_json(entry)

    async def _me(self, _params: Params, _files: Files) -> Json:
        return {**self.bot, "can_join_groups": True, "can_read_all_group_messages": self.reads_all}

    async def _send(self, params: Params, _files: Files) -> Json:
        entry = self._new(params, self._where(params))
        entry.text, entry.entities = text_of(params)
        entry.keys = keys_of(params)
        return self._keep(entry)

    async def _document(self, params: Params, files: Files) -> Json:
        entry = self._new(params, self._where(params))
        entry.text, entry.entities = text_of(params, "caption", CAPTION)
        name, data = files.get(params.get("document", "").removeprefix("attach://") or "document", ("", b""))
        if not data:
            raise bad("file must be non-empty" if name else "there is no document in the request")
        entry.file = File(name, data)
        return self._keep(entry)

    async def _photo(self, params: Params, files: Files) -> Json:
        chat = self._where(params)
        if chat in self.no_photos:
            raise bad("not enough rights to send photos to the chat")
        entry = self._new(params, chat)
        entry.text, entry.entities = text_of(params, "caption", CAPTION)
        entry.keys = keys_of(params)
        entry.photo = photo_of(params, files)
        return self._keep(entry)

    async def _edit(self, params: Params, _files: Files) -> Json:
        chat, message = self._where(params), whole(params, "message_id")
        entry = None if message is None else self.find(chat, message)
        if entry is None:
            raise bad("message to edit not found")
        if entry.file is not None or entry.photo is not None:
            raise bad("there is no text in the message to edit")
        text, entities = text_of(params)
        keys = keys_of(params)
        if (text, entities, keys) == (entry.text, entry.entities, entry.keys):
            raise bad(
                "message is not modified: specified new message content and reply markup are exactly the same as a "
                "current content and reply markup of the message"
            )
        entry.history.append(entry.text)
        entry.text, entry.entities, entry.keys = text, entities, keys
        return self.entry_json(entry)

    async def _answer(self, params: Params, _files: Files) -> bool:
        query, text = params.get("callback_query_id", ""), params.get("text", "")
        if not self.queries.get(query):
            raise bad(LATE)
        if len(text) > ALERT:
            raise bad("MESSAGE_TOO_LONG")
        self.queries[query] = False
        self.answers.append(Answer(query, text, params.get("show_alert") == "true"))
        return True

    async def _set_commands(self, params: Params, _files: Files) -> bool:
        self.commands = commands_of(params)
        return True

    async def _get_commands(self, _params: Params, _files: Files) -> list[Json]:
        return [{"command": name, "description": text} for name, text in self.commands.items()]

    async def _webhook_info(self, _params: Params, _files: Files) -> Json:
        return {"url": self.webhook, "has_custom_certificate": False, "pending_update_count": len(self.updates)}

    async def _delete_webhook(self, params: Params, _files: Files) -> bool:
        self.webhook = ""
        if params.get("drop_pending_updates") == "true":
            self.updates.clear()
        return True

    async def _chat(self, params: Params, _files: Files) -> Json:
        chat = self._where(params)
        return {**self.chat_json(chat), "accent_color_id": 0, "max_reaction_count": 11, "accepted_gift_types": _GIFTS}

    async def _member(self, params: Params, _files: Files) -> Json:
        self._where(params)
        user = whole(params, "user_id")
        if user == self.bot["id"]:
            return {"user": self.bot, **(_ADMIN if self.admin else {"status": "member"})}
        if user not in self.users:
            raise bad("PARTICIPANT_ID_INVALID")
        return {"user": self.user_json(user), "status": "member"}

    async def _updates(self, params: Params, _files: Files) -> list[Json]:
        """What waits, at once, or as soon as something comes; a later reader ends an earlier one."""
        if self.webhook:
            raise Refuse(
                409,
                "Conflict: can't use getUpdates method while webhook is active; "
                "use deleteWebhook to delete the webhook first",
            )
        self._poll += 1
        mine = self._poll
        if "allowed_updates" in params:
            self.kinds = tuple(json.loads(params["allowed_updates"]))
        offset = whole(params, "offset") or 0
        self.updates = [each for each in self.updates if each["update_id"] >= offset]
        end = asyncio.get_running_loop().time() + (whole(params, "timeout") or 0)
        self.polling += 1
        self.notify()
        try:
            while not self.updates and not self.closing and asyncio.get_running_loop().time() < end:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout_at(end):
                        await self.changed.wait()
                if self._poll != mine:
                    raise Refuse(409, f"Conflict: {RIVAL}")
        finally:
            self.polling -= 1
        return self.updates[: whole(params, "limit") or 100]


_ADMIN: Json = {
    "status": "administrator",
    "is_anonymous": False,
    **dict.fromkeys(
        (
            *("can_be_edited", "can_manage_chat", "can_delete_messages", "can_manage_video_chats"),
            *("can_restrict_members", "can_promote_members", "can_change_info", "can_invite_users"),
            *("can_post_stories", "can_edit_stories", "can_delete_stories"),
        ),
        True,
    ),
}
_GIFTS = dict.fromkeys(
    ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels"), False
)
