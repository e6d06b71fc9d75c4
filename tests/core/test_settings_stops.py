"""What may be written of an agent's controls, stops and limits is read as meant; all else is refused in a sentence."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from bot.settings import SettingsError, Watched, load
from bot.settings.masked import masked
from monitor.model import AmountOrShare, AutoStop, Limits, Samples

GOOD = """
[[people]]
name = "ana"
role = "admin"
console = "ana"

[[agents]]
id = "alpha"
source = { kind = "http", url = "http://127.0.0.1:9001" }
"""
CONTROL = 'control = { kind = "http", url = "http://127.0.0.1:9001" }\n'


def written(folder: Path, text: str) -> Watched:
    path = folder / "nightdesk.toml"
    path.write_text(GOOD + text)
    return load(path, {"ALPHA_KEY": "k"}).fleet[0]


def refused(folder: Path, text: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        written(folder, text)
    return str(caught.value).splitlines()


@pytest.mark.parametrize(
    ("stop", "means"),
    [
        ('when = "drawdown", over = "25%"', AutoStop("drawdown", AmountOrShare(share=0.25), 600.0, 30.0, 3_600.0)),
        ('when = "daily_loss", over = "5%"', AutoStop("daily_loss", AmountOrShare(share=0.05), 600.0)),
        ('when = "daily_loss", over = 500', AutoStop("daily_loss", AmountOrShare(amount=500.0), 600.0)),
        ('when = "daily_loss", over = "1,000.50"', AutoStop("daily_loss", AmountOrShare(amount=1_000.5), 600.0)),
        ('when = "unacknowledged"', AutoStop("unacknowledged", lasting=600.0)),
        ('when = "unacknowledged", lasting = "90s"', AutoStop("unacknowledged", lasting=90.0)),
        (
            'when = "drawdown", over = "25%", notice = "0s", cooldown = "0s", dry_run = true',
            AutoStop("drawdown", AmountOrShare(share=0.25), 600.0, 0.0, 0.0, dry_run=True),
        ),
    ],
)
def test_a_stop_is_read_as_it_is_meant(tmp_path: Path, stop: str, means: AutoStop) -> None:
    assert written(tmp_path, f"{CONTROL}stops = [{{ {stop} }}]").agent.stops == (means,)


def test_without_a_word_about_it_nothing_stops_an_agent_without_a_person(tmp_path: Path) -> None:
    agent = written(tmp_path, CONTROL).agent
    assert (agent.stops, agent.take_next, agent.venue_url) == ((), False, None)


@pytest.mark.parametrize(
    ("stop", "at", "said"),
    [
        ('when = "drawdown"', "", '"drawdown" needs its bound: write over = "25%".'),
        ('when = "daily_loss"', "", '"daily_loss" needs its bound: write over = "25%".'),
        ('when = "drawdown", over = 500', "", 'a drawdown is a share of the peak: write over = "25%".'),
        (
            'when = "unacknowledged", over = "5%"',
            "",
            'over means nothing for "unacknowledged": write lasting = "10m".',
        ),
        ('over = "5%"', ".when", 'is missing: write when = "drawdown".'),
        ('when = "moon"', ".when", '"moon" is none of drawdown, daily_loss, unacknowledged.'),
        ('when = "drawdown", over = 0.25', "", 'a drawdown is a share of the peak: write over = "25%".'),
        ('when = "daily_loss", over = "-5%"', ".over", '"-5%" is not a share'),
        ('when = "drawdown", over = "120%"', ".over", '"120%" is out of range'),
        ('when = "drawdown", over = "25%", notice = "soon"', ".notice", '"soon" is not a duration'),
        ('when = "drawdown", over = "25%", notice = "2d"', ".notice", '"2d" is out of range: write "0s" to "1d".'),
        ('when = "unacknowledged", lasting = "0s"', ".lasting", '"0s" is out of range'),
        ('when = "drawdown", over = "25%", dry_run = "no"', ".dry_run", ""),
        ('when = "drawdown", over = "25%", dryrun = true', ".dryrun", 'is not a setting: did you mean "dry_run"?'),
    ],
)
def test_a_wrong_stop_is_refused_with_what_to_write(tmp_path: Path, stop: str, at: str, said: str) -> None:
    (problem,) = refused(tmp_path, f"{CONTROL}stops = [{{ {stop} }}]")
    assert problem.startswith(f"nightdesk.toml:11: agents[0].stops[0]{at}: {said}")
    assert problem[-1] in ".?"


def test_two_stops_by_one_cause_and_stops_of_what_takes_no_orders_are_refused(tmp_path: Path) -> None:
    stops = 'stops = [{ when = "drawdown", over = "25%" }, { when = "drawdown", over = "30%" }]'
    (twice,) = refused(tmp_path, CONTROL + stops)
    assert twice.startswith('nightdesk.toml:11: agents[0].stops[1].when: "drawdown" is taken by stops[0]')
    (helpless,) = refused(tmp_path, 'stops = [{ when = "drawdown", over = "25%" }]')
    assert helpless == (
        "nightdesk.toml:10: agents[0].stops: cannot stop an agent that takes no orders: give it a control."
    )
    (empty,) = refused(tmp_path, 'controls = []\nstops = [{ when = "drawdown", over = "25%" }]')
    assert empty.endswith("give it a control.")


def test_controls_are_kept_in_their_order_with_their_keys(tmp_path: Path) -> None:
    text = (
        'if_unconfirmed = "take"\nvenue_url = "https://venue.example/ping"\n'
        '[[agents.controls]]\nkind = "http"\nurl = "http://127.0.0.1:9001"\nkey_env = "ALPHA_KEY"\n'
        '[[agents.controls]]\nkind = "pm2"\nname = "alpha"\ntimeout = "20s"\n'
    )
    watched = written(tmp_path, text)
    assert [each.kind for each in watched.controls] == ["http", "pm2"]
    assert watched.controls[0].options["key"].get_secret_value() == "k"  # type: ignore[attr-defined]  # an object
    assert (watched.controls[1].options["name"], watched.controls[1].options["timeout"]) == ("alpha", 20.0)
    assert (watched.agent.take_next, watched.agent.venue_url) == (True, "https://venue.example/ping")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            f'{CONTROL}controls = [{{ kind = "pm2", name = "alpha" }}]',
            "11: agents[0].controls: stands beside control: write the first one into controls too.",
        ),
        (
            'controls = [{ kind = "http" }, { kind = "http" }]',
            '10: agents[0].controls[1].kind: "http" is taken by controls[0]',
        ),
        ("controls = [{ name = 'alpha' }]", '10: agents[0].controls[0].kind: is missing: write kind = "http".'),
        ('controls = { kind = "http" }', "10: agents[0].controls"),
        ('if_unconfirmed = "ask"', '10: agents[0].if_unconfirmed: "ask" is none of offer, take.'),
        ('venue_url = "binance"', '10: agents[0].venue_url: "binance" is not an address'),
        ('labels = { mode = "papre" }', '10: agents[0].labels.mode: "papre" is no mode: write "paper" or "live".'),
        ("close_within = 0", "10: agents[0].close_within: 0 is out of range"),
        ('decision_within = "never"', '10: agents[0].decision_within: "never" is not a duration'),
        ("repeated_orders = 1", "10: agents[0].repeated_orders: 1 is not a whole number from 2 to 100000."),
        ("max_leverage = 0", "10: agents[0].max_leverage: 0 is not a number above 0 and at most 1000"),
        ('max_leverage = "3x"', '10: agents[0].max_leverage: "3x" is not a number above 0'),
        ("max_exposure = 0", "10: agents[0].max_exposure: 0 is no bound"),
        ('max_exposure = "20000%"', '10: agents[0].max_exposure: "20000%" is out of range'),
        ("model_errors = 0.5", '10: agents[0].model_errors: 0.5 is not a share: write "50%".'),
        ("model_cost_1h = -1", "10: agents[0].model_cost_1h: -1 is not an amount of money"),
    ],
)
def test_wrong_controls_and_limits_are_refused_with_their_line(tmp_path: Path, text: str, said: str) -> None:
    (problem,) = refused(tmp_path, text)
    assert problem.startswith(f"nightdesk.toml:{said}")


def test_a_stop_a_control_and_a_person_of_nonsense_are_all_told_at_once(tmp_path: Path) -> None:
    text = 'controls = [3]\nstops = [7, "x", []]\nif_unconfirmed = 1'
    assert len(refused(tmp_path, text)) == 5


def test_every_limit_is_read_and_off_is_none(tmp_path: Path) -> None:
    text = (
        'drawdown_limit = "off"\nclose_within = "1m"\ndecision_within = "30m"\nfeed_within = "off"\n'
        'frozen_within = "2h"\nrepeated_orders = "off"\nmax_exposure = "150%"\nmax_leverage = 2.5\n'
        'model_errors = "off"\nmodel_cost_1h = 5\nhard_loss_24h = "5%"\nmin_balance = "1,000"\n'
        'confirm_within = "5s"\nheartbeat = "1m"\nmissed_polls = 3\n'
    )
    assert written(tmp_path, text).agent.limits == Limits(
        drawdown=None,
        min_balance=1_000.0,
        hard_loss=AmountOrShare(share=0.05),
        heartbeat=60.0,
        missed_polls=3,
        confirm_within=5.0,
        close_within=60.0,
        decision=1_800.0,
        feed=None,
        repeated_orders=None,
        frozen=7_200.0,
        exposure=AmountOrShare(share=1.5),
        leverage=2.5,
        model_errors=None,
        model_cost=5.0,
    )


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("", Samples(20)),
        ('frozen_within = "40 samples"', Samples(40)),
        ('frozen_within = "30m"', 1_800.0),
        ('frozen_within = "off"', None),
    ],
)
def test_an_equity_is_stale_after_samples_or_a_time_or_never_and_that_is_written_back(
    tmp_path: Path, text: str, means: float | Samples | None
) -> None:
    agent = written(tmp_path, f'labels = {{ venue = "sim" }}\ninterval = "1m"\n{text}').agent
    assert agent.limits.frozen == means
    assert agent.frozen == (means.many * 60.0 if isinstance(means, Samples) else means)
    assert load(_masked(tmp_path), {"ALPHA_KEY": "k"}).fleet[0].agent == agent


def test_an_exposure_may_be_an_amount(tmp_path: Path) -> None:
    assert written(tmp_path, 'max_exposure = "20,000"').agent.limits.exposure == AmountOrShare(amount=20_000.0)


def test_money_in_another_currency_has_the_rate_that_is_written(tmp_path: Path) -> None:
    read = written(
        tmp_path, 'labels = { venue = "binance" }\ncurrency = "BTC"\n[rates]\nBTC = "97,000.50"\nETH = 3500\n'
    )
    assert (read.currency, read.rate) == ("BTC", Decimal("97000.50"))
    again = load(_masked(tmp_path), {"ALPHA_KEY": "k"})
    assert (again.fleet[0].rate, again.rates["ETH"]) == (Decimal("97000.50"), Decimal(3500))
    own = written(tmp_path, 'currency = "USD"\n')
    assert (own.currency, own.rate) == (None, None)


def _masked(folder: Path) -> Path:
    path = folder / "again.toml"
    path.write_text(masked(load(folder / "nightdesk.toml", {})))
    return path


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('currency = "BTC"', "agents[0].currency: has no rate: write what one BTC is worth in USD under [rates]."),
        ("[rates]\nBTC = 0", '0 is not a rate: write what one of it is worth, such as "1.0835".'),
        ('[rates]\nBTC = "much"', '"much" is not a rate'),
        ('[rates]\nBTC = "nan"', '"nan" is not a rate'),
        ("[rates]\nbtc = 1", "is not a currency: write three to five capitals"),
    ],
)
def test_a_currency_without_a_rate_or_a_rate_that_is_none_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (sentence,) = refused(tmp_path, text)
    assert said in sentence
