"""Slack takes the app that the manifest describes, and every command is reached in it."""

from __future__ import annotations

import json

import pytest
import yaml

from bot.command import discover
from bot.platforms.slack.manifest import RESERVED, commands, manifest

URL = "https://desk.example/slack/events"


def listed(**how: str) -> list[str]:
    return [each["command"] for each in manifest(**how)["features"]["slash_commands"]]


def test_every_command_that_slack_does_not_keep_for_itself_is_listed_beside_desk() -> None:
    free = sorted(f"/{name}" for name in discover() if name not in RESERVED)
    assert listed() == ["/desk", *free]
    assert "/pause" in free
    assert not {"/status", "/help", "/confirm"} & set(listed())


def test_the_scopes_are_those_that_are_used() -> None:
    made = manifest()
    scopes = made["oauth_config"]["scopes"]["bot"]
    assert {"commands", "chat:write", "app_mentions:read", "channels:history", "groups:history", "im:history"} <= {
        *scopes
    }
    assert made["features"]["app_home"]["messages_tab_enabled"]
    assert made["settings"]["event_subscriptions"]["bot_events"] == ["app_mention"]
    assert made["settings"]["interactivity"]["is_enabled"]
    assert made["settings"]["socket_mode_enabled"]


def test_it_is_written_as_yaml_and_as_json() -> None:
    made = manifest()
    assert yaml.safe_load(yaml.safe_dump(made, allow_unicode=True)) == json.loads(json.dumps(made)) == made


def test_descriptions_and_hints_are_within_slacks_limits() -> None:
    for each in manifest("n" * 35)["features"]["slash_commands"]:
        assert 0 < len(each["description"]) <= 2_000
        assert len(each.get("usage_hint", "")) <= 1_000
        assert each["should_escape"] is False
    assert len(listed()) <= 50


def test_in_http_mode_every_part_has_the_address() -> None:
    made = manifest(mode="http", url=URL)
    assert {each["url"] for each in made["features"]["slash_commands"]} == {URL}
    assert made["settings"]["event_subscriptions"]["request_url"] == URL
    assert made["settings"]["interactivity"]["request_url"] == URL
    assert not made["settings"]["socket_mode_enabled"]


def test_a_webhook_needs_one_scope() -> None:
    assert manifest(mode="webhook")["oauth_config"]["scopes"]["bot"] == ["incoming-webhook"]


@pytest.mark.parametrize(
    "how", [{"name": ""}, {"name": "n" * 36}, {"mode": "http"}, {"mode": "http", "url": "http://desk.example"}]
)
def test_what_slack_would_refuse_is_refused(how: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="Slack"):
        manifest(**how)


def test_a_registry_larger_than_an_app_may_have_is_cut() -> None:
    one = next(iter(discover().values()))
    assert len(commands({f"name{number:03}": one for number in range(80)})) == 49
