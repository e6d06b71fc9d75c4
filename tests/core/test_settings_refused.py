"""Wrong settings are refused as a whole: every problem with file, line, field and remedy, no secret among them."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.settings import Problem, Settings, SettingsError, explain, load

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


def write(folder: Path, text: str) -> Path:
    path = folder / "nightdesk.toml"
    path.write_text(text)
    return path


def refusal(folder: Path, text: str, environ: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(write(folder, text), environ or {})
    assert SECRET not in str(caught.value)
    return str(caught.value).splitlines()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('drawdown_limit = "15"', 'agents[0].drawdown_limit: "15" is not a share: write "15%".'),
        ("drawdown_limit = 0.15", 'agents[0].drawdown_limit: 0.15 is not a share: write "15%".'),
        ('drawdown_limit = "120%"', 'agents[0].drawdown_limit: "120%" is out of range'),
        ('drawdown_limt = "15%"', 'agents[0].drawdown_limt: is not a setting: did you mean "drawdown_limit"?'),
        ("zzz = 1", "agents[0].zzz: is not a setting: known are id, labels, source"),
        ('heartbeat = "soon"', 'agents[0].heartbeat: "soon" is not a duration: write "30s"'),
        ("heartbeat = -1", "agents[0].heartbeat: -1 is not a duration"),
        ("heartbeat = nan", "agents[0].heartbeat: nan is not a duration"),
        ("interval = 0.05", 'agents[0].interval: 0.05 is out of range: write "100ms" to "1d".'),
        ("missed_polls = true", "agents[0].missed_polls: true is not a whole number"),
        ("missed_polls = 0", "agents[0].missed_polls: 0 is not a whole number from 1 to 1000."),
        ('min_balance = "1.000,50"', 'agents[0].min_balance: "1.000,50" is not an amount of money'),
        ("hard_loss_24h = 0", "agents[0].hard_loss_24h: 0 is not a loss limit"),
        ('hard_loss_24h = "-5%"', 'agents[0].hard_loss_24h: "-5%" is not a share'),
        ("control = 3", "agents[0].control"),
        ("control = { url = 1 }", 'agents[0].control.kind: is missing: write kind = "http".'),
        ('control.kind = "no such"', 'agents[0].control.kind: "no such" is not a kind'),
        ('labels = { "a b" = "c" }', 'agents[0].labels: "a b" is not a label\'s name'),
        ("labels = { venue = 3 }", "agents[0].labels: venue = 3 is not a label"),
        ('control = { kind = "http", timeout = "1y" }', 'agents[0].control.timeout: "1y" is not a duration'),
        ('source2 = "x"', 'agents[0].source2: is not a setting: did you mean "source"?'),
    ],
)
def test_a_wrong_value_is_named_with_its_line_and_what_to_write(tmp_path: Path, line: str, said: str) -> None:
    problems = refusal(tmp_path, GOOD + line)
    assert len(problems) == 1
    assert problems[0].startswith(f"nightdesk.toml:13: {said}")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('id = "alpha"', 'id = "Alpha One"', '11: agents[0].id: "Alpha One" is not an agent\'s id'),
        ('id = "alpha"', "", '10: agents[0].id: is missing: write id = "alpha".'),
        ('role = "admin"', 'role = "boss"', '7: people[0].role: "boss" is none of viewer, operator, admin.'),
        ('console = "ana"', "", "5: people[0]: no chat knows this person"),
        ('console = "ana"', 'slack = "ana"', '8: people[0].slack: "ana" is not a Slack member id'),
        (
            'interval = "1m"',
            'timezone = "Europe/Berln"',
            '3: desk.timezone: "Europe/Berln" is not a known time zone: did',
        ),
        ('interval = "1m"', 'timezone = "../../etc/passwd"', '3: desk.timezone: "../../etc/passwd" is not a known'),
        ('interval = "1m"', 'currency = "dollar"', '3: desk.currency: "dollar" is not a currency'),
        ('interval = "1m"', 'false_pages = "few"', '3: desk.false_pages: "few" is not a budget'),
        ('interval = "1m"', 'dead_mans_switch = "ping"', '3: desk.dead_mans_switch: "ping" is not an address'),
        ("[[people]]", "[people]", "5: people: "),
        ("[desk]", "[dsk]", '2: dsk: is not a setting: did you mean "desk"?'),
        ("[desk]", "[telegram]\nchat = 1\n[desk]", "2: telegram: the environment variable TELEGRAM_TOKEN is not set"),
        ("[desk]", "[slack]\nmode = 'http'\n[desk]", "2: slack.channel: is missing"),
    ],
)
def test_a_wrong_part_is_named_with_its_line_and_what_to_do(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert any(each.startswith(f"nightdesk.toml:{said}") for each in refusal(tmp_path, GOOD.replace(old, new, 1)))


def test_every_problem_is_told_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = GOOD.replace('"1m"', '"soon"').replace('"admin"', '"boss"') + 'labls = {}\n[[agents]]\nid = "alpha"\n'
    assert [each.split(": ")[:2] for each in refusal(tmp_path, text)] == [
        ["nightdesk.toml:3", "desk.interval"],
        ["nightdesk.toml:7", "people[0].role"],
        ["nightdesk.toml:13", "agents[0].labls"],
        ["nightdesk.toml:14", "agents[1].source"],
        ["nightdesk.toml:15", "agents[1].id"],
    ]


def test_a_thousand_problems_are_told_as_forty_and_a_number(tmp_path: Path) -> None:
    told = refusal(tmp_path, GOOD + "".join(f"x{number} = 1\n" for number in range(1000)))
    assert len(told) == 41
    assert told[-1] == "nightdesk.toml: and 960 problems more."


def test_two_of_one_id_are_refused_whether_agents_names_or_chat_ids(tmp_path: Path) -> None:
    twice = (
        '[[people]]\nname = "ana"\nrole = "viewer"\nconsole = "ana"\n[[agents]]\nid = "alpha"\nsource.kind = "http"\n'
    )
    assert refusal(tmp_path, GOOD + twice) == [
        'nightdesk.toml:14: people[1].name: "ana" is taken by people[0]: each needs its own.',
        'nightdesk.toml:16: people[1].console: "ana" is taken by people[0]: each needs its own.',
        'nightdesk.toml:18: agents[1].id: "alpha" is taken by agents[0]: each needs its own.',
    ]


def test_an_empty_file_starts_nothing(tmp_path: Path) -> None:
    people, agents = refusal(tmp_path, "")
    assert "an empty list of people starts nothing" in people
    assert "there is no agent to watch" in agents


@pytest.mark.parametrize(
    ("text", "use"),
    [
        (f'source.key = "{SECRET}"', 'key_env = "ALPHA_KEY"'),
        (f'source.headers = {{ Authorization = "Bearer {SECRET}" }}', 'authorization_env = "ALPHA_AUTHORIZATION"'),
        (f'source.url = "http://desk:{SECRET}@host/"', "by key_env"),
        (f'source.key_env = "{SECRET}"', "write the name of an environment variable"),
        (f'[telegram]\nchat = 1\ntoken = "{SECRET}"', "TELEGRAM_TOKEN"),
        (f'[slack]\nchannel = "C012"\nbot_token = "{SECRET}"', "SLACK_BOT_TOKEN"),
        (f'[slack]\nmode = "webhook"\nwebhook = "{SECRET}"', "SLACK_WEBHOOK"),
        (f'labels = {{ note = "xoxb-{SECRET}" }}', "looks like a secret"),
        (f'[telegram]\nchat = 1\nbase_url = "https://api/bot1234567:{SECRET}{SECRET}"', "looks like a secret"),
    ],
)
def test_a_secret_in_the_file_is_refused_with_the_variable_to_use_and_never_shown(
    tmp_path: Path, text: str, use: str
) -> None:
    agent = (
        '[[people]]\nname = "ana"\nrole = "admin"\nconsole = "ana"\n[[agents]]\nid = "alpha"\nsource.kind = "http"\n'
    )
    assert any(use in each for each in refusal(tmp_path, agent + text))


def test_a_password_in_the_databases_address_belongs_into_the_environment(tmp_path: Path) -> None:
    for url in (f"postgresql://desk:{SECRET}@db/desk", f"postgresql://db/desk?user=desk&password={SECRET}"):
        assert "NIGHTDESK_DATABASE_URL" in refusal(tmp_path, GOOD.replace("[desk]", f'[desk]\ndatabase = "{url}"'))[0]


@pytest.mark.parametrize("environ", [{}, {"ALPHA_KEY": ""}, {"ALPHA_KEY": " \n"}])
def test_a_key_that_is_named_but_not_set_is_told_once(tmp_path: Path, environ: dict[str, str]) -> None:
    named = '{ kind = "http", key_env = "ALPHA_KEY" }'
    text = GOOD.replace('{ kind = "http", url = "http://127.0.0.1:9001" }', named) + f"control = {named}"
    (told,) = refusal(tmp_path, text, environ)
    assert told.startswith("nightdesk.toml:12: agents[0].source.key_env: the environment variable ALPHA_KEY is not set")


@pytest.mark.parametrize("key", ["two words", "a\nb", "ключ"])
def test_a_key_that_no_header_can_carry_is_refused_unseen(tmp_path: Path, key: str) -> None:
    (told,) = refusal(tmp_path, GOOD.replace("url =", 'key_env = "K", url ='), {"K": key})
    assert told.startswith("nightdesk.toml:12: agents[0].source.key_env: the environment variable K holds no key")
    assert key not in told


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a = 1\nb = [1,\n", "nightdesk.toml:2: is not TOML: "),
        ("[desk\n", "nightdesk.toml:1: is not TOML: "),
        ("a = 1\n\na = 2\nb = 3\n", "nightdesk.toml:3: is not TOML: cannot overwrite a value, at column 6."),
        ("a = " + "[" * 10_000, "nightdesk.toml: its values are nested too deeply."),
        ("#" * (1 << 20) + "\n", "nightdesk.toml: is larger than 1 MiB"),
    ],
)
def test_what_is_not_toml_is_told_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    (told,) = refusal(tmp_path, text)
    assert told.startswith(said)


def test_a_file_that_cannot_be_read_is_told_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read: No such file"):
        load(tmp_path / "none.toml", {})
    path = tmp_path / "nightdesk.toml"
    path.write_bytes(b"a = 1\nb = '\xff'\n")
    with pytest.raises(SettingsError, match=r"nightdesk\.toml:2: is not UTF-8"):
        load(path, {})


class Options(BaseModel):
    model_config = ConfigDict(extra="forbid")
    url: str
    timeout: float
    retries: int = Field(default=1, gt=0)


def judged(settings: Settings) -> list[Problem]:
    spec = settings.fleet[0].source
    try:
        Options.model_validate(spec.options)
    except ValidationError as error:
        return explain(error, Options, spec.path)
    return []


def test_a_kinds_own_verdict_on_its_options_is_told_in_the_same_form(tmp_path: Path) -> None:
    settings = load(write(tmp_path, GOOD.replace("url =", "retries = -2, ur =")), {})
    assert str(settings.error(judged(settings))).splitlines() == [
        'nightdesk.toml:12: agents[0].source.url: is missing: write url = "http://127.0.0.1:9001".',
        "nightdesk.toml:12: agents[0].source.retries: -2 does not fit: Input should be greater than 0.",
        'nightdesk.toml:12: agents[0].source.ur: is not a setting: did you mean "url"?',
    ]
    own = settings.error([Problem(settings.fleet[0].source.path, "no source is of the kind http.")])
    assert str(own) == "nightdesk.toml:12: agents[0].source: no source is of the kind http."


FIELDS = [
    *("desk", "telegram", "slack", "people", "agents", "slack.mode", "telegram.chat"),
    *("alerts", "routes", "policies", "rotations", "maintenance", "inhibitions", "channels", "web", "drill"),
    *("budgets", "budgets = [{ labels", "budgets = [{ false_pages", "desk.false_pages", "agents = [{ false_pages"),
    *(f"alerts.{each}" for each in ("group_by", "spread", "lease", "quiet_hours", "failover", "default_inhibitions")),
    *(
        "routes = [{ to",
        "routes = [{ match",
        "policies = [{ steps",
        "policies = [{ steps = [{ to",
        "maintenance = [{ cron",
    ),
    *("rotations = [{ at", "rotations = [{ start", "inhibitions = [{ source", "channels = [{ url_env", "drill.cron"),
    *("rotations = [{ name", "rotations = [{ people", "channels = [{ name", "routes = [{ rule", "policies = [{ name"),
    *(f"desk.{each}" for each in ("database", "interval", "timezone", "currency", "runbooks", "x")),
    *("agents = [{ id", "agents = [{ source", "agents = [{ source.key_env", "people = [{ name", "people = [{ slack"),
]
VALUES = [
    *("1", "-1", "1e400", "nan", "true", '""', '"x"', '"\\u0000"', "[]", "{}", "[1]", "[[]]", "[{}]", "{ a = 1 }"),
    *("1979-05-27", "07:32:00", '"5m"', '"15%"', "9" * 400, f'"{"x" * 300}"', '"http://a:b@c"', "[{ id = [] }]"),
]


@given(st.sampled_from(FIELDS), st.sampled_from(VALUES))
def test_nonsense_in_any_place_gets_settings_or_lines_of_a_settings_error(name: str, value: str) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.raises(SettingsError) as caught:
        load(write(Path(folder), f"{name} = {value}{' }]' * name.count('{')}\n"), {})
    for line in str(caught.value).splitlines():
        assert re.fullmatch(r"nightdesk\.toml:\d+: .{1,400}[.?]", line)
