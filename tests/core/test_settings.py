"""Settings: what is written is what is meant, from a file or from the environment, and secrets are never shown."""

from __future__ import annotations

import re
import tomllib
from datetime import UTC
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.quantities import duration
from bot.settings import SettingsError, Spec, console_user, load, masked
from monitor.model import AmountOrShare, Limits, Person

ROOT = Path(__file__).parents[2]
SECRET = "s3cret-value-nobody-may-see"
GOOD = """
[desk]
interval = "1m"

[[people]]
name = "ana"
role = "admin"
console = "ana"

[[agents]]
id = "alpha"
source = { kind = "http", url = "http://127.0.0.1:9001" }
"""


BEN = '[[people]]\nname = "ben"\nrole = "operator"\nconsole = "ben"\n[[agents]]'
LABELS = 'labels = { venue = "binance", team = "spot" }\n'


def write(folder: Path, text: str) -> Path:
    path = folder / "nightdesk.toml"
    path.write_text(text)
    return path


def test_the_example_loads_as_it_is_given_the_key_it_names() -> None:
    settings = load(ROOT / "nightdesk.example.toml", {"ALPHA_KEY": SECRET})
    alpha, beta = settings.fleet
    assert settings.people == (
        Person("ana", "admin", {"telegram": "1001", "slack": "U0ANA", "console": "ana"}),
        Person("ben", "operator", {"console": "ben"}),
    )
    assert str(settings.timezone) == "Europe/Berlin"
    assert alpha.agent.limits == Limits(min_balance=100.0, hard_loss=AmountOrShare(share=0.05))
    assert alpha.agent.labels == {"venue": "binance", "team": "spot"}
    assert beta.agent.limits.hard_loss == AmountOrShare(amount=1000.50)
    assert beta.controls == ()
    assert alpha.source == Spec(
        "http",
        {"timeout": 5.0, "url": "http://127.0.0.1:9001", "key": SecretStr(SECRET), "key_env": "ALPHA_KEY"},
        ("agents", 0, "source"),
    )


def test_the_example_loads_with_every_platform_and_setting_that_it_leaves_commented_out(tmp_path: Path) -> None:
    text = (ROOT / "nightdesk.example.toml").read_text().replace("https://…", "https://ping.example/abc")
    text = re.sub(r"^# (?=\[|[A-Za-z_]+ = )", "", text, flags=re.MULTILINE)
    tokens = ("ALPHA_KEY", "TELEGRAM_TOKEN", "SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "PHONE_URL", "FT_PASSWORD")
    settings = load(write(tmp_path, text), dict.fromkeys(tokens, SECRET))
    assert settings.telegram is not None
    assert (settings.telegram.chat, settings.telegram.topic) == (-1001234567890, 12)
    assert settings.slack is not None
    assert settings.slack.channel == "C0123456789"
    assert settings.dead_mans_switch == "https://ping.example/abc"
    assert settings.runbooks == tmp_path / "runbooks.yaml"
    assert settings.secrets == {SECRET, "https://ping.example/abc"}
    assert (settings.channels, settings.web) == (("phone", "slack:C0999"), "127.0.0.1:8485")
    alpha, _, gamma = settings.fleet
    assert [(each.when, each.dry_run) for each in alpha.agent.stops] == [("drawdown", True), ("unacknowledged", False)]
    assert alpha.agent.venue_url == "https://api.binance.com/api/v3/ping"
    assert [each.kind for each in gamma.controls] == ["freqtrade", "pm2"]
    told = settings.plan(())
    many = (told.routes, told.policies, told.rotations, told.maintenance, told.inhibitions, settings.further)
    assert [len(each) for each in many] == [1, 2, 1, 1, 4, 1]
    assert None not in (told.quiet, settings.digest, settings.drill)


def test_the_example_shows_the_defaults_of_telling_unless_its_comment_says_otherwise(tmp_path: Path) -> None:
    text = (ROOT / "nightdesk.example.toml").read_text()
    shown = tomllib.loads(
        "\n".join(re.findall(r"^# (\w+ = .*)", text.split("# [alerts]")[1].split("# [[")[0], re.MULTILINE))
    )
    unset = {"quiet_hours", "digest", "failover"}
    table = tomllib.loads(masked(load(write(tmp_path, GOOD), {})))["alerts"]
    assert shown.keys() == table.keys() | unset
    for name in table.keys() - unset:
        try:
            assert duration(shown[name]) == duration(table[name])
        except ValueError:
            assert shown[name] == table[name]


def test_what_is_not_set_has_the_guides_default(tmp_path: Path) -> None:
    settings = load(write(tmp_path, GOOD.replace('interval = "1m"', "")), {})
    assert settings.agents[0].limits == Limits()
    assert settings.agents[0].limits.drawdown == 0.15
    assert (settings.agents[0].interval, settings.fleet[0].timeout) == (30.0, 5.0)
    assert (settings.currency, settings.timezone) == ("USD", UTC)
    assert settings.database == str(tmp_path / "nightdesk.db")


def test_an_agent_has_the_desks_interval_unless_it_has_its_own(tmp_path: Path) -> None:
    text = GOOD + '[[agents]]\nid = "b"\ninterval = 0.2\nsource.kind = "http"\n'
    assert [agent.interval for agent in load(write(tmp_path, text), {}).agents] == [60.0, 0.2]


def test_a_rule_that_nobody_wants_is_switched_off(tmp_path: Path) -> None:
    assert load(write(tmp_path, GOOD + 'drawdown_limit = "off"'), {}).agents[0].limits.drawdown is None


def test_the_options_of_a_kind_are_carried_as_written_with_durations_in_seconds(tmp_path: Path) -> None:
    text = GOOD + 'control = { kind = "http", timeout = "1m", fields = { token = "usdt" }, retries = 2 }'
    control = load(write(tmp_path, text), {}).fleet[0].controls[0]
    assert control is not None
    assert control.options == {"timeout": 60.0, "fields": {"token": "usdt"}, "retries": 2}


def test_the_database_of_the_environment_wins(tmp_path: Path) -> None:
    url = f"postgresql://desk:{SECRET}@db/desk?sslmode=require"
    settings = load(write(tmp_path, GOOD), {"NIGHTDESK_DATABASE_URL": url})
    assert settings.database == url
    assert settings.secrets == {SECRET}
    assert "postgresql://desk:••••@db/desk?sslmode=require" in masked(settings)


def test_a_label_may_be_called_as_a_secret_is(tmp_path: Path) -> None:
    assert load(write(tmp_path, GOOD + 'labels.token = "BTC"'), {}).agents[0].labels == {"token": "BTC"}


def test_without_a_file_one_agent_runs_from_the_guides_environment() -> None:
    environ = {"AGENT_ID": "alpha", "AGENT_KEY": SECRET, "TELEGRAM_TOKEN": SECRET, "TELEGRAM_CHAT_ID": "-100"}
    settings = load(None, {**environ, "SLACK_WEBHOOK": "https://hooks.slack.com/x"})
    (alpha,) = settings.fleet
    assert alpha.agent.id == "alpha"
    key = {"key": SecretStr(SECRET), "key_env": "AGENT_KEY"}
    assert alpha.source.options == {"timeout": 5.0, "url": "http://127.0.0.1:8080", **key}
    assert [each.options for each in alpha.controls] == [alpha.source.options]
    assert settings.people == (Person(console_user(), "admin", {"console": console_user()}),)
    assert settings.telegram is not None
    assert settings.telegram.chat == -100
    assert settings.slack is not None
    assert settings.slack.mode == "webhook"
    assert settings.secrets == {SECRET, "https://hooks.slack.com/x"}


def test_without_a_file_the_variable_that_is_wrong_is_named() -> None:
    environ = {"AGENT_ID": "Alpha!", "AGENT_URL": f"http://u:{SECRET}@h", "TELEGRAM_CHAT_ID": "here"}
    with pytest.raises(SettingsError) as caught:
        load(None, environ)
    told = str(caught.value)
    assert SECRET not in told
    assert {line.split(": ")[1] for line in told.splitlines()} == {
        "AGENT_ID",
        "AGENT_URL",
        "TELEGRAM_TOKEN",
        "TELEGRAM_CHAT_ID",
    }


def test_with_neither_file_nor_agent_the_three_ways_to_go_on_are_named() -> None:
    with pytest.raises(SettingsError, match=r"nightdesk\.example\.toml .* AGENT_ID .*`nightdesk demo`"):
        load(None, {})


def test_secrets_are_masked_and_in_no_repr(tmp_path: Path) -> None:
    text = GOOD.replace("url =", 'key_env = "K", url =').replace(
        "[desk]", '[desk]\ndead_mans_switch = "https://p/uuid"'
    )
    settings = load(write(tmp_path, text), {"K": SECRET, "NIGHTDESK_DATABASE_URL": f"postgresql://a:{SECRET}@db"})
    assert SECRET not in masked(settings) + repr(settings) + str(settings)
    assert "uuid" not in masked(settings) + repr(settings)
    assert 'key_env = "K"' in masked(settings)


def test_masked_settings_are_toml_that_says_the_same(tmp_path: Path) -> None:
    text = (ROOT / "nightdesk.example.toml").read_text()
    settings = load(write(tmp_path, text), {"ALPHA_KEY": SECRET})
    assert tomllib.loads(masked(settings))["agents"][0]["source"]["key_env"] == "ALPHA_KEY"
    again = write(tmp_path, masked(settings))
    reloaded = load(again, {"ALPHA_KEY": SECRET})
    assert (reloaded.agents, reloaded.people, reloaded.fleet) == (settings.agents, settings.people, settings.fleet)


def test_masked_settings_about_telling_say_the_same(tmp_path: Path) -> None:
    text = (ROOT / "nightdesk.example.toml").read_text()
    told = re.sub(r"^# (?=\[|[a-z_]+ = )", "", text[text.index("# [alerts]") :], flags=re.MULTILINE)
    environ = {"PHONE_URL": SECRET}
    settings = load(write(tmp_path, GOOD.replace("[[agents]]", BEN) + LABELS + told), environ)
    reloaded = load(write(tmp_path, masked(settings)), environ)
    assert (reloaded.alerting, reloaded.further) == (settings.alerting, settings.further)
    assert (reloaded.digest, reloaded.drill, reloaded.web) == (settings.digest, settings.drill, settings.web)
