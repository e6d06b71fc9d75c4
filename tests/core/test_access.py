from __future__ import annotations

import pytest

from bot.access import Access
from bot.command import Role
from monitor.model import Person

ANA = Person("ana", "admin", {"telegram": "1001", "slack": "U0ANA"})
BEN = Person("ben", "viewer", {"telegram": "1002"})


def test_a_person_is_known_by_each_of_their_ids() -> None:
    access = Access([ANA, BEN])
    assert access.who("telegram", "1001") == (ANA, Role.ADMIN)
    assert access.who("slack", "U0ANA") == (ANA, Role.ADMIN)
    assert access.who("telegram", "1002") == (BEN, Role.VIEWER)


def test_everybody_else_is_a_stranger() -> None:
    access = Access([ANA, BEN])
    for platform, user in [("telegram", "1003"), ("slack", "1001"), ("telegram", ""), ("", ""), ("telegram", "ana")]:
        assert access.who(platform, user) is None


def test_those_who_can_let_others_in_are_named() -> None:
    assert Access([ANA, BEN]).admins == ("ana",)


@pytest.mark.parametrize("people", [[], [Person("ana", "admin")]])
def test_a_desk_that_nobody_may_use_is_refused(people: list[Person]) -> None:
    with pytest.raises(ValueError, match="at least one person"):
        Access(people)


@pytest.mark.parametrize(
    ("person", "sentence"),
    [
        (Person("eve", "root", {"slack": "U1"}), "none of viewer, operator, admin"),
        (Person("eve", "viewer", {"telegram": "1001"}), "ana and eve have the same telegram id"),
        (Person("eve", "viewer", {"telegram": " "}), "empty telegram id"),
        (Person("ana", "viewer", {"telegram": "7"}), "two people are called ana"),
    ],
)
def test_a_person_that_makes_no_sense_is_refused_with_a_sentence(person: Person, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Access([ANA, person])
