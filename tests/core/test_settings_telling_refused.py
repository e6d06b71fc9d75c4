"""Names, times and chats that cannot be meant are refused with their line and what to write instead."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bot.settings import SettingsError, load
from tests.core.test_settings_telling import ENVIRON, GOOD, PHONE, SECRET, write

LINES = GOOD.count("\n")


def refusal(folder: Path, text: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(write(folder, text), ENVIRON)
    assert "s3cret" not in str(caught.value)
    return str(caught.value).splitlines()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[alerts]\ngroup_by = ["venu"]', '2: alerts.group_by[0]: "venu" is not a known label: did you mean "venue"?'),
        ("[alerts]\nspread = 1", "2: alerts.spread: 1 place alone is nothing that spreads"),
        ("[alerts]\nflap_openings = 1", "2: alerts.flap_openings: 1 is not a whole number from 2"),
        ('[alerts]\nlease = "never"', '2: alerts.lease: "never" is not a duration'),
        ('[alerts]\nquiet_hours = "22:00"', '2: alerts.quiet_hours: "22:00" are no hours of the day'),
        ('[alerts]\nquiet_hours = "7:00-07:00"', '2: alerts.quiet_hours: "7:00-07:00" begins when it ends'),
        ('[alerts]\ndigest = "8"', '2: alerts.digest: "8" is not a time of day: write it like "09:00".'),
        (
            '[alerts]\nfailover = ["phne"]',
            '2: alerts.failover[0]: "phne" is not a known channel: did you mean "phone"?',
        ),
        ('[[routes]]\nto = ["telgram"]', '2: routes[0].to[0]: "telgram" is not a known channel: did you mean "telegr'),
        ('[[routes]]\nto = ["telegram:ops"]', '2: routes[0].to[0]: "telegram:ops" is not a channel: write it like'),
        ('[[routes]]\nto = ["telegram:-100"]', '2: routes[0].to[0]: "telegram:-100" is the desk\'s own chat there'),
        ('[[routes]]\nto = ["console:1"]', '2: routes[0].to[0]: "console:1" is not a known channel: did you mean "con'),
        ("[[routes]]\nto = []", "2: routes[0].to: an empty list leads nowhere: name at least one."),
        ("[[routes]]", '1: routes[0].to: is missing: write to = ["telegram"].'),
        (
            '[[routes]]\nto = "phone"\nrule = "frozen_equity"',
            '3: routes[0].rule: "frozen_equity" is not a known rule: did you mean "stale"?',
        ),
        ('[[routes]]\nto = "phone"\nrule = "drawdwn"', '3: routes[0].rule: "drawdwn" is not a known rule: did you'),
        (
            '[[routes]]\nto = "phone"\nagent = "alfa"',
            '3: routes[0].agent: "alfa" is not a known agent: did you mean "al',
        ),
        ('[[routes]]\nto = "phone"\nmatch.vnue = "x"', '3: routes[0].match.vnue: "vnue" is not a known label: did you'),
        ('[[routes]]\nto = "phone"\nmatch.rule = "drawdown|x"', '3: routes[0].match.rule: "x" is not a known rule: kn'),
        ('[[routes]]\nto = "phone"\nmatch.venue = ""', '3: routes[0].match: "venue" = "" matches nothing: write a'),
        ('[[routes]]\nto = "phone"\nseverity = "bad"', '3: routes[0].severity: "bad" is none of info, warn, critical.'),
        (
            '[[routes]]\nto = "phone"\nagent = "alpha"\nmatch = { agent = "alpha" }',
            "4: routes[0].match: agent stands beside it too: write it once",
        ),
        (
            '[[policies]]\nname = "a"',
            '1: policies[0].steps: is missing: write steps = [{ after = "5m", whom = ["duty"] }]',
        ),
        (
            '[[policies]]\nname = "a"\nsteps = [{ whom = "mian" }]',
            '3: policies[0].steps[0].whom: "mian" is not a known person or rotation: did you mean "main"?',
        ),
        (
            '[[policies]]\nname = "a"\nsteps = [{ after = "5m" }, { after = "1m" }]',
            "3: policies[0].steps: the steps are not in the order of their times",
        ),
        (
            '[[policies]]\nname = "a"\nsteps = []\n[[policies]]\nname = "a"\nsteps = []',
            '5: policies[1].name: "a" is taken by policies[0]: each needs its own.',
        ),
        (
            '[[rotations]]\nname = "x"\npeople = ["anna"]\nstart = 2026-01-05',
            '3: rotations[0].people[0]: "anna" is not a known person: did you mean "ana"?',
        ),
        (
            '[[rotations]]\nname = "x"\npeople = ["ben"]\nstart = 2026-01-05',
            '3: rotations[0].people[0]: "ben" is a viewer, who cannot acknowledge: make them an operator.',
        ),
        (
            '[[rotations]]\nname = "ana"\npeople = []\nstart = 2026-01-05',
            '2: rotations[0].name: "ana" means somebody already: choose another name.',
        ),
        (
            '[[rotations]]\nname = "x"\npeople = []\nstart = "2026-01-05"',
            '4: rotations[0].start: "2026-01-05" is not a date: write it like 2026-01-05, without quotes.',
        ),
        (
            '[[maintenance]]\nname = "x"\nagent = "alpha"\nduration = "1h"\ncron = "0 3 * * 0"',
            '5: maintenance[0].cron: "0 3 * * 0" has a weekday as a number: write its name',
        ),
        (
            '[[maintenance]]\nname = "x"\nagent = "alpha"\nduration = "1h"\ncron = "0 0 31 2 *"',
            '5: maintenance[0].cron: "0 0 31 2 *" never comes round',
        ),
        (
            '[[maintenance]]\nname = "x"\nagent = "alpha"\nduration = "1h"\ncron = "at three"',
            '5: maintenance[0].cron: "at three" is not a cron line: write minute, hour, day, month and weekday',
        ),
        (
            '[[maintenance]]\nname = "x"\nduration = "1h"\ncron = "0 3 * * *"',
            "1: maintenance[0]: says nothing of what it silences: add rule, agent or match.",
        ),
        ("[[inhibitions]]", '1: inhibitions[0].source: is missing: write source = { rule = "agent_unreachable" }.'),
        ("[[inhibitions]]\nsource = {}", "2: inhibitions[0].source: matches nothing: write {"),
        (
            '[[inhibitions]]\nsource = { rule = "drawdown" }\nunless = ["hardloss"]',
            '3: inhibitions[0].unless[0]: "hardloss" is not a known rule: did you mean "hard_loss"?',
        ),
        (
            '[[channels]]\nname = "slack"\nurl_env = "PHONE_URL"',
            '2: channels[0].name: "slack" means something else alr',
        ),
        (
            '[[channels]]\nname = "x"\nurl_env = "NO_SUCH"',
            "3: channels[0].url_env: the environment variable NO_SUCH is",
        ),
        (f'[[channels]]\nname = "x"\nurl_env = "{SECRET}"', "3: channels[0].url_env: write the name of an environment"),
        (
            f'[[channels]]\nname = "my-phone"\nurl = "{SECRET}"',
            "3: channels[0].url: a secret does not belong in this file: put it into an environment variable and write",
        ),
        ('[web]\nlisten = "everywhere"', '2: web.listen: "everywhere" is not an address to listen at'),
        ('[drill]\ncron = "never"', '2: drill.cron: "never" is not a cron line'),
        ('[drill]\ncorn = "0 3 * * *"', '2: drill.corn: is not a setting: did you mean "cron"?'),
    ],
)
def test_what_is_wrong_is_named_with_its_line_and_what_to_write(tmp_path: Path, text: str, said: str) -> None:
    number, _, rest = said.partition(": ")
    known = '\n[[rotations]]\nname = "main"\npeople = []\nstart = 2026-01-05\n' if "[[rotations]]" not in text else ""
    wanted = f"nightdesk.toml:{int(number) + LINES}: {rest}"
    told = refusal(tmp_path, text + known + ("" if "[[channels]]" in text else f"\n{PHONE}"))
    assert [each for each in told if each.startswith(wanted)], told


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"alpha"', '"nightdesk"', r"agents\[0\]\.id: \"nightdesk\" is the desk itself"),
        ('"ben"', '"all"', r"people\[1\]\.name: \"all\" stands for others in an escalation"),
    ],
)
def test_nobody_is_called_as_the_desk_or_as_others_are(tmp_path: Path, old: str, new: str, said: str) -> None:
    path = tmp_path / "nightdesk.toml"
    path.write_text(GOOD.replace(old, new))
    with pytest.raises(SettingsError, match=said):
        load(path, ENVIRON)


def test_a_webhook_posts_nowhere_else_and_two_do_not_listen_at_one_address(tmp_path: Path) -> None:
    environ = {**ENVIRON, "SLACK_WEBHOOK": "https://hooks.slack.com/x"}
    path = write(tmp_path, '[slack]\nmode = "webhook"\n[[routes]]\nto = "slack:C0999"\n')
    with pytest.raises(SettingsError, match="a webhook posts into its own channel only"):
        load(path, environ)
    told = refusal(tmp_path, '[slack]\nmode = "http"\nchannel = "C012"\n[web]\nlisten = "127.0.0.1:8484"\n')
    assert any("is where Slack is listened to" in each for each in told)


def test_further_channels_without_their_library_say_how_to_install_it(tmp_path: Path) -> None:
    path = write(tmp_path, PHONE)
    code = (
        "import sys, importlib.util as util; found = util.find_spec\n"
        "util.find_spec = lambda name, *rest: None if name == 'apprise' else found(name, *rest)\n"
        "from pathlib import Path; from bot.settings import load\n"
        f"load(Path({str(path)!r}), {ENVIRON!r})\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    last = ended.stderr.splitlines()[-1]
    assert last.endswith("further channels need apprise: install it by pip install 'nightdesk[apprise]'.")
