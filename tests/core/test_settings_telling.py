"""Settings about telling: what is written becomes the plan, and a name that the file does not know is refused."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from zoneinfo import ZoneInfo

from bot.settings import load, masked
from monitor.alerts.plan import ESCALATES, INHIBITS, Inhibition, Plan, Policy, Quiet, Rotation, Route, Step
from monitor.model import Severity

BERLIN = ZoneInfo("Europe/Berlin")
HOUR = 3_600.0
SECRET = "tgram://s3cret-value-nobody-may-see"
GOOD = """
[desk]
timezone = "Europe/Berlin"

[[people]]
name = "ana"
role = "admin"
console = "ana"

[[people]]
name = "ben"
role = "viewer"
console = "ben"

[[agents]]
id = "alpha"
labels = { venue = "binance", token = "BTC" }
source = { kind = "http", url = "http://127.0.0.1:9001" }

[telegram]
chat = -100

"""
ENVIRON = {"TELEGRAM_TOKEN": "t0ken", "PHONE_URL": SECRET}
PHONE = '[[channels]]\nname = "phone"\nurl_env = "PHONE_URL"\n'


def write(folder: Path, text: str) -> Path:
    path = folder / "nightdesk.toml"
    path.write_text(GOOD + text)
    return path


def plan(folder: Path, text: str) -> Plan:
    return load(write(folder, text), ENVIRON).plan(("console", "telegram"))


def at(text: str) -> float:
    return dt.datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp()


def test_without_any_of_it_the_plan_is_the_guides(tmp_path: Path) -> None:
    people = {"ana": "admin", "ben": "viewer"}
    assert plan(tmp_path, "") == Plan(("console", "telegram"), group_wait=5.0, people=people)
    settings = load(write(tmp_path, ""), ENVIRON)
    assert (settings.digest, settings.drill, settings.web, settings.channels) == (None, None, None, ())
    assert settings.dead_mans_every == 60.0


def test_without_a_file_the_plan_is_the_guides_too() -> None:
    settings = load(None, {"AGENT_ID": "alpha"})
    assert settings.plan(("console",)) == Plan(("console",), group_wait=5.0, people=dict(settings.plan(()).people))
    assert settings.plan(()).policies == (ESCALATES,)


def test_every_figure_of_alerts_is_what_is_written(tmp_path: Path) -> None:
    found = plan(
        tmp_path,
        """
[alerts]
group_by = ["token", "agent"]
group_wait = "0s"
group_window = "1m"
spread = 0
more_after = "2m"
hold = "3m"
lease = "off"
answer_within = "4m"
flap_openings = 6
flap_within = "7m"
flap_stable = "8m"
quiet_hours = "22:00-07:30"
failover = ["console"]
failover_after = "9s"
default_inhibitions = false
""",
    )
    assert (found.group_by, found.group_wait, found.group_window, found.spread) == (("token", "agent"), 0.0, 60.0, 0)
    assert (found.more_after, found.hold, found.lease, found.answer_within) == (120.0, 180.0, None, 240.0)
    assert (found.flap_openings, found.flap_within, found.flap_stable) == (6, 420.0, 480.0)
    assert found.quiet == Quiet(dt.time(22), dt.time(7, 30), BERLIN)
    assert (found.failover, found.failover_after, found.inhibitions) == (("console",), 9.0, ())


def test_routes_match_by_rule_agent_and_label_and_severity(tmp_path: Path) -> None:
    text = """
[[routes]]
rule = ["drawdown", "hard_loss"]
agent = "alpha"
match = { venue = "binance|kraken", token = "BTC" }
severity = "info"
to = ["telegram:-200", "slack"]
[[routes]]
to = "telegram"
"""
    match = (("rule", "drawdown|hard_loss"), ("agent", "alpha"), ("venue", "binance|kraken"), ("token", "BTC"))
    assert plan(tmp_path, text).routes == (
        Route(("telegram:-200", "slack"), Severity.INFO, match),
        Route(("telegram",), Severity.WARN),
    )


def test_policies_come_before_the_desks_own_and_without_steps_nobody_is_reminded(tmp_path: Path) -> None:
    text = """
[[policies]]
name = "silent"
agent = "alpha"
steps = []
[[policies]]
name = "night"
severity = "warn"
repeat = "off"
[[policies.steps]]
[[policies.steps]]
after = "10m"
whom = ["all", "main", "ana"]
to = "console"
[[rotations]]
name = "main"
people = []
start = 2026-01-05
"""
    steps = (Step(0.0), Step(600.0, ("all", "main", "ana"), ("console",)))
    assert plan(tmp_path, text).policies == (
        Policy("silent", (), None, Severity.CRITICAL, (("agent", "alpha"),)),
        Policy("night", steps, None, Severity.WARN),
        ESCALATES,
    )


def test_a_rotation_has_the_desks_time_zone_unless_it_has_its_own(tmp_path: Path) -> None:
    text = """
[[rotations]]
name = "main"
people = ["ana"]
start = 2026-01-05
[[rotations]]
name = "nights"
people = ["ana", "ana"]
every = "daily"
at = 21:30:00
timezone = "America/New_York"
start = 2026-01-01
"""
    assert plan(tmp_path, text).rotations == (
        Rotation("main", ("ana",), "weekly", dt.time(9), BERLIN, dt.date(2026, 1, 5)),
        Rotation("nights", ("ana", "ana"), "daily", dt.time(21, 30), ZoneInfo("America/New_York"), dt.date(2026, 1, 1)),
    )


def test_a_maintenance_window_says_when_it_opened(tmp_path: Path) -> None:
    text = '[[maintenance]]\nname = "weekend"\ncron = "0 3 * * SUN"\nduration = "1h"\nmatch = { venue = "binance" }\n'
    (window,) = plan(tmp_path, text).maintenance
    assert (window.match, window.duration, window.reason) == ((("venue", "binance"),), HOUR, "maintenance")
    opened = at("2026-03-29T03:00")  # the clock went forward from 02:00 to 03:00 right before
    assert [window.starts(opened + each) for each in (-1, 0, 1, HOUR - 1, HOUR)] == [None, *[opened] * 3, None]


def test_inhibitions_are_added_to_the_desks_own(tmp_path: Path) -> None:
    text = '[[inhibitions]]\nsource = { rule = "health_degraded", check = "venue" }\nequal = ["venue"]\n'
    made = Inhibition((("rule", "health_degraded"), ("check", "venue")), (), ("venue",))
    assert plan(tmp_path, text).inhibitions == (*INHIBITS, made)


def test_channels_are_those_of_the_table_and_the_other_chats_that_are_named(tmp_path: Path) -> None:
    text = """
[alerts]
failover = ["telegram:-300", "phone"]
[[routes]]
to = ["telegram", "telegram:-200", "slack:C0999", "console"]
[[policies]]
name = "night"
steps = [{ to = ["telegram:-200", "telegram:-400"] }]
"""
    settings = load(write(tmp_path, text + PHONE), ENVIRON)
    assert settings.channels == ("phone", "telegram:-200", "telegram:-400", "telegram:-300")
    (phone,) = settings.further
    assert (phone.name, phone.url.get_secret_value(), phone.url_env) == ("phone", SECRET, "PHONE_URL")
    assert SECRET in settings.secrets
    assert SECRET not in repr(settings) + masked(settings)
    assert 'url_env = "PHONE_URL"' in masked(settings)


def test_the_face_the_digest_and_the_drill_are_as_written(tmp_path: Path) -> None:
    text = '[alerts]\ndigest = "08:15"\n[web]\n[drill]\ncron = "0 10 * * mon"\n'
    settings = load(write(tmp_path, text), ENVIRON)
    assert settings.web == "127.0.0.1:8485"
    assert settings.digest is not None
    assert settings.drill is not None
    monday = at("2026-01-05T10:00")
    assert settings.drill(monday + 60) == monday
    assert settings.drill(monday + HOUR) is None
    assert settings.digest(at("2026-01-05T08:20")) == at("2026-01-05T08:15")
    assert 'digest = "08:15"' in masked(settings)
