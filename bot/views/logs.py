"""Log lines as they are, less what is secret, the newest at the end."""

from __future__ import annotations

from bot.chat import Message
from bot.format import count, plain
from bot.line import button
from monitor.desk import Log


def logs(agent: str, found: Log) -> Message:
    """The newest lines of an agent's log."""
    name = plain(agent, 64)
    if not found.lines:
        return Message(f"The log of {name} is empty", f"By its control {found.kind}.")
    older = f"{count(found.left_out, 'older line')} left out for want of room. " if found.left_out else ""
    return Message(
        title=f"The last {count(len(found.lines), 'line')} of {name}, by {found.kind}",
        text="\n".join(plain(each, 300) for each in found.lines),
        buttons=button("Status", "status", agent),
        footer=f"{older}What looks like a secret was taken out.",
    )
