"""Who may do what is decided by person; whoever is not listed may do nothing."""

from __future__ import annotations

from collections.abc import Iterable

from bot.command import Role
from monitor.model import Person


class Access:
    """The people of the desk, found by the ids by which the chats know them.

    Errors: ValueError with one sentence (nobody is listed, a role is not known, an id is empty or given twice).
    """

    def __init__(self, people: Iterable[Person]) -> None:
        self._people: dict[tuple[str, str], tuple[Person, Role]] = {}
        self._admins: list[str] = []
        names: set[str] = set()
        for person in people:
            role = _role(person)
            if person.name in names:
                raise ValueError(f"two people are called {person.name}: give one of them another name")
            names.add(person.name)
            if role is Role.ADMIN:
                self._admins.append(person.name)
            for platform, user in person.ids.items():
                self._add(platform, user, person, role)
        if not self._people:
            raise ValueError("nobody may give orders: list at least one person under [[people]] with a chat id")

    def _add(self, platform: str, user: str, person: Person, role: Role) -> None:
        if not user.strip():
            raise ValueError(f"{person.name} has an empty {platform} id: fill it in or take it out")
        taken = self._people.setdefault((platform, user), (person, role))[0]
        if taken is not person:
            raise ValueError(f"{taken.name} and {person.name} have the same {platform} id: one of them is wrong")

    @property
    def admins(self) -> tuple[str, ...]:
        """Names of those who may let others in."""
        return tuple(self._admins)

    def who(self, platform: str, user: str) -> tuple[Person, Role] | None:
        """The person behind a platform's user id, and their role; None for a stranger."""
        return self._people.get((platform, user))


def _role(person: Person) -> Role:
    try:
        return Role[person.role.upper()]
    except KeyError:
        known = ", ".join(role.name.lower() for role in Role)
        raise ValueError(f"{person.name} has the role {person.role!r}, which is none of {known}") from None
