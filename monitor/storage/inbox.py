"""What came from the chats is remembered for a day, so that nothing that is delivered twice is done twice."""

from __future__ import annotations

from sqlalchemy import Connection, delete, select

from monitor.storage import schema
from monitor.storage.sqlite import File

DAY = 86_400.0
_seen = schema.events_seen.c


class Inbox:
    """The port Inbox over one database file."""

    def __init__(self, file: File) -> None:
        self._file = file

    async def first(self, platform: str, event: str, now: float) -> bool:
        """Whether an event comes for the first time in the last day; from now on it does not."""
        row = {"platform": platform, "event": event, "time": now}

        def remember(connection: Connection) -> bool:
            connection.execute(delete(schema.events_seen).where(_seen.time < now - DAY))
            known = schema.events_seen.select().where(_seen.platform == platform, _seen.event == event)
            if connection.execute(known).first() is not None:
                return False
            connection.execute(schema.events_seen.insert(), [row])
            return True

        return await self._file.write(remember)

    async def alert_at(self, platform: str, ref: str) -> str | None:
        """The incident that the message at a reference is about, whichever of its messages it is."""
        said = schema.messages.c
        found = await self._file.read(select(said.alert).where(said.platform == platform, said.ref == ref))
        return str(found[0][0]) if found else None
