"""freqtrade tells of fills over a WebSocket; each makes the desk look at once, and nothing else is believed of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import aiohttp
import structlog
from yarl import URL

from monitor.sources._freqtrade_api import Api
from monitor.sources._http import FAULT

TOPICS = ("entry_fill", "exit_fill", "entry_cancel", "exit_cancel", "status")
LARGEST = 1 << 20
"""Bytes of a message that are taken."""
FIRST, LONGEST = 1.0, 60.0
"""Seconds before it is connected again: at first, at most."""
HEARTBEAT = 20.0
CONNECTS_WITHIN, ENDS_WITHIN = 10.0, 1.0
"""Seconds to connect, and to say goodbye to who does not answer any more."""

log = structlog.get_logger()


class Stream:
    """One connection at a time, from its making until `close`."""

    def __init__(
        self, session: aiohttp.ClientSession, url: str, api: Api, agent: str, stir: Callable[[str], None]
    ) -> None:
        self._session = session
        self._url = f"{url.replace('http', 'ws', 1)}/api/v1/message/ws"
        self._api = api
        self._agent = agent
        self._stir = stir
        self._told = False
        self._task = asyncio.create_task(self._run(), name=f"fills of {agent}")

    async def close(self) -> None:
        """End it."""
        self._task.cancel()
        await asyncio.wait({self._task})

    async def _run(self) -> None:
        pause = FIRST
        while True:
            try:
                if await self._listen():
                    pause = FIRST
            except FAULT as error:
                self._api.forget()  # it may be the token that was not taken
                self._tell(type(error).__name__)
            await asyncio.sleep(pause)
            pause = min(LONGEST, 2 * pause)

    async def _listen(self) -> bool:
        """Listen until the connection ends; returns whether it was one: it lasted, or something was heard."""
        time = asyncio.get_running_loop().time
        begun, heard = time(), False
        async with asyncio.timeout(CONNECTS_WITHIN):
            socket = await self._connect()
        try:
            await socket.send_json({"type": "subscribe", "data": list(TOPICS)})
            async for message in socket:
                if message.type is aiohttp.WSMsgType.TEXT and _topic(message.data) in TOPICS:
                    heard = True
                    self._stir(self._agent)
        finally:
            await socket.close()
        good = heard or time() - begun > LONGEST
        if not good:
            self._api.forget()
            self._tell("it was closed at once")
        return good

    async def _connect(self) -> aiohttp.ClientWebSocketResponse:
        # The token stands in the address: an error that names that is never shown.
        url = URL(self._url).with_query(token=await self._api.token())
        ends = aiohttp.ClientWSTimeout(ws_close=ENDS_WITHIN)
        return await self._session.ws_connect(url, heartbeat=HEARTBEAT, max_msg_size=LARGEST, timeout=ends)

    def _tell(self, why: str) -> None:
        if not self._told:
            self._told = True
            log.info("fills are seen at the next poll only", agent=self._agent, reason=why)


def _topic(text: str) -> str | None:
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return None
    topic = said.get("type") if isinstance(said, dict) else None
    return topic if isinstance(topic, str) else None
