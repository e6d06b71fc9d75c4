"""How many messages and edits the Bot API takes, in one chat and over all, before it answers 429."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

LIMITED = frozenset({"sendmessage", "senddocument", "sendphoto", "editmessagetext"})


@dataclass
class Limits:
    """One message in `every` seconds in a chat, after a pause `burst` at once; `group` a minute, `overall` a second."""

    burst: int = 6
    every: float = 1.0
    group: int = 20
    minute: float = 60.0
    overall: int = 30
    second: float = 1.0
    refused: int = 0
    """Calls that were too many."""
    _tokens: dict[int, tuple[float, float]] = field(default_factory=dict)
    _taken: dict[int, deque[float]] = field(default_factory=dict)

    def wait(self, chat: int, now: float) -> float:
        """Seconds until the chat takes one more, which it does at once for 0.0; then it counts."""
        tokens, seen = self._tokens.get(chat, (float(self.burst), now))
        tokens = min(float(self.burst), tokens + (now - seen) / self.every)
        left = max(
            (1 - tokens) * self.every,
            self._full(chat, self.group, self.minute, now) if chat < 0 else 0.0,
            self._full(0, self.overall, self.second, now),
        )
        if left > 0:
            self.refused += 1
            self._tokens[chat] = (tokens, now)
            return left
        self._tokens[chat] = (tokens - 1, now)
        for each in (chat, 0):
            self._taken.setdefault(each, deque()).append(now)
        return 0.0

    def _full(self, chat: int, most: int, within: float, now: float) -> float:
        """Seconds until the window of a chat (0: of all) has room."""
        taken = self._taken.setdefault(chat, deque())
        while taken and taken[0] <= now - within:
            taken.popleft()
        return taken[len(taken) - most] + within - now if len(taken) >= most else 0.0
