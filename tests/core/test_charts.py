from __future__ import annotations

import struct
import subprocess
import sys
import zoneinfo
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from bot.charts import axis
from bot.charts.bars import bars
from bot.charts.card import AMBER, LINE, RED
from bot.charts.compared import compared
from bot.charts.drawing import draw, drawn
from bot.charts.equity import equity
from bot.charts.judged import LARGEST, judged
from bot.charts.paths import below_peak, indexed
from bot.charts.sparkline import sparkline
from bot.charts.thin import MOST, lone, thin
from bot.charts.values import Bars, Compared, Equity, Floats, Path, Shown, Span, Window
from bot.chat import Tone
from tests import pictures
from tests.pictures import UNTIL

DRAWN: dict[str, Callable[[], Shown]] = {
    "equity": pictures.an_equity,
    "compared": pictures.some_compared,
    "pnl": pictures.some_bars,
    "hours": pictures.a_heat,
    "judged": pictures.a_judged,
}


def a_path(values: list[float], every: float = 30.0, stale: float = 90.0) -> Path:
    found: Floats = np.array(values, dtype=np.float64)
    return Path("alpha", UNTIL - every * np.arange(len(found) - 1, -1, -1, dtype=np.float64), found, stale)


def an_equity(values: list[float], **how: object) -> Equity:
    path = a_path(values)
    window = Window(float(path.times[0]), UNTIL, UTC)
    made = replace(
        pictures.an_equity(), window=window, equity=path, drawdown=a_path([0.0] * len(values)), spans=(), flows=()
    )
    return replace(made, **how)  # type: ignore[arg-type] # fields of it


def texts(figure: Figure) -> list[str]:
    return [each.get_text() for each in figure.texts]


@pytest.mark.parametrize("kind", DRAWN)
def test_every_picture_is_a_png_that_a_phone_loads_at_once(kind: str) -> None:
    data = draw(DRAWN[kind]())
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", data[16:24]) == (1_200, 900)
    assert len(data) < 200_000


def test_the_same_values_are_the_same_picture() -> None:
    assert draw(pictures.some_bars()) == draw(pictures.some_bars())


async def test_a_picture_is_drawn_beside_the_event_loop() -> None:
    assert (await drawn(pictures.some_bars())).startswith(b"\x89PNG")


def test_no_command_loads_the_drawing_library_at_the_start() -> None:
    code = "import sys; from bot.command import discover; discover(); sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@given(st.integers(0, 2**32 - 1), st.integers(3, 30_000), st.sampled_from([1.0, 90.0]))
def test_extremes_and_ends_survive_and_a_line_has_at_most_two_thousand_points(
    seed: int, count: int, stale: float
) -> None:
    values = np.random.default_rng(seed).normal(10_000, 5, count)
    path = a_path(values.tolist(), stale=stale)
    times, kept = thin(path)
    assert len(times) == len(kept) <= MOST
    assert (np.nanmax(kept), np.nanmin(kept)) == (values.max(), values.min())
    assert (times[0], times[-1]) == (path.times[0], path.times[-1])
    assert (np.diff(times) > 0).all()


def test_one_second_of_a_crash_is_seen_in_a_week() -> None:
    values = [10_000.0] * 20_160
    values[12_345] = 4_000.0
    path = a_path(values)
    times, kept = thin(path)
    assert times[kept == 4_000.0].tolist() == [path.times[12_345]]


@pytest.mark.parametrize("count", [100, 20_160])
def test_a_silence_is_a_gap_in_the_drawn_line_and_a_missed_poll_is_none(count: int) -> None:
    values = [10_000.0 + step % 7 for step in range(count)]
    values[count // 4] = np.nan
    silent = slice(count // 2, count // 2 + count // 10)
    values[silent] = [np.nan] * (count // 10)
    shown = an_equity(values)
    line = next(each for each in equity(shown).axes[-2].lines if np.size(each.get_xdata()) > 50)
    times, drawn_values = (np.asarray(each, dtype=np.float64) for each in line.get_data())
    (gap,) = np.flatnonzero(np.isnan(drawn_values))
    before, after = shown.equity.times[count // 2 - 1], shown.equity.times[count // 2 + count // 10]
    assert before < times[gap] < after
    inside = (times > before) & (times < after)
    assert inside.sum() == 1


def test_an_observation_alone_between_two_silences_is_a_dot() -> None:
    times, values = thin(a_path([1.0, 2.0, *[np.nan] * 9, 5.0, *[np.nan] * 9, 3.0, 4.0]))
    assert len(times) == len(values) == 7
    assert lone(values)[~np.isnan(lone(values))].tolist() == [5.0]


def test_what_is_no_amount_is_not_drawn() -> None:
    assert thin(a_path([np.inf, 1.0, -1e300, 2.0]))[1].tolist() == [1.0, 2.0]
    assert len(thin(a_path([np.nan, np.inf]))[0]) == 0


@pytest.mark.parametrize("name", ["$x_1$", r"$\frac{1}{0$", "a_b^c \\", "中文 🚀\ntwo lines \x1b[31mred" + "n" * 500])
@pytest.mark.slow
def test_no_character_of_a_name_means_anything_but_itself(name: str) -> None:
    frame = replace(pictures.some_bars().frame, title=name, note=name, figure=name, detail=name)
    spans = [Span(name, UNTIL - 500.0, None)]
    figures = (
        bars(Bars(frame, name, [(name, 1.0), (name, -2.0)])),
        equity(an_equity([1.0, 2.0, 3.0], frame=frame, spans=spans, currency=name)),
        compared(Compared(frame, Window(UNTIL - 60, UNTIL, UTC), [replace(a_path([1.0, 2.0]), name=name)])),
    )
    for figure in figures:
        figure.canvas.draw()
    assert not name.startswith("$x") or name in texts(figures[0])


def test_alerts_are_named_once_a_rule_the_worst_first_and_the_rest_is_counted() -> None:
    spans = [Span(f"rule {number}", UNTIL - 1_000.0, None) for number in range(6)]
    spans += [Span("drawdown", UNTIL - 900.0 + each, UNTIL - 899.0 + each, critical=True) for each in range(3)]
    shown = an_equity([1.0] * 50, spans=spans)
    said = texts(equity(shown))
    assert [each for each in said if each.startswith(("rule", "drawdown"))] == ["drawdown (3)", "rule 0", "rule 1"]
    assert "+4 more alerts" in said


def test_an_alert_before_and_after_the_window_is_drawn_within_it() -> None:
    shown = an_equity([1.0] * 50, spans=[Span("drawdown", UNTIL - 1e6, UNTIL + 1e6)])
    (mark,) = equity(shown).axes[-2].patches
    assert isinstance(mark, Rectangle)
    assert (mark.get_x(), mark.get_x() + mark.get_width()) == (shown.window.since, shown.window.until)


def test_alerts_that_stand_at_once_tint_the_ground_once() -> None:
    spans = [Span("drawdown", UNTIL - 1_000.0 + each, UNTIL - 500.0 + each, critical=True) for each in range(300)]
    assert len(equity(an_equity([1.0] * 50, spans=spans)).axes[-2].patches) == 1


def test_a_deposit_is_no_profit_and_hides_no_drawdown() -> None:
    times, flows = np.arange(5.0), ((2.5, 5_000.0),)
    values = np.array([10_000.0, 9_000.0, 8_000.0, 13_000.0, 13_000.0])
    index = indexed(times, values, flows)
    assert index.tolist() == pytest.approx([1.0, 0.9, 0.8, 0.8, 0.8])
    assert below_peak(index, values).tolist() == pytest.approx([0.0, 0.1, 0.2, 0.2, 0.2])


def test_a_peak_before_the_window_counts_where_the_drawdown_at_the_end_is_known() -> None:
    values = np.array([8_000.0, 8_500.0, 8_000.0])
    index = indexed(np.arange(3.0), values, ())
    assert below_peak(index, values, 0.2).tolist() == pytest.approx([0.2, 0.15, 0.2])
    assert below_peak(index, values, 1.0).tolist() == pytest.approx([0.0, 0.0, 1 - 8 / 8.5])


def test_an_emptied_account_is_wholly_below_its_peak() -> None:
    values = np.array([100.0, 0.0, -5.0, np.nan])
    index = indexed(np.arange(4.0), values, ())
    assert np.isnan(index).tolist() == [False, True, True, True]
    assert below_peak(index, values)[:3].tolist() == [0.0, 1.0, 1.0]


def test_of_many_bars_the_best_and_the_worst_are_told_and_the_rest_is_summed() -> None:
    lines = [(f"s{number}", 50.0 - number) for number in range(101)]
    said = texts(bars(Bars(pictures.some_bars().frame, "USD", lines)))
    assert [each for each in said if each.startswith("s")] == [
        "s0",
        "s1",
        "s2",
        "s3",
        "s4",
        "s97",
        "s98",
        "s99",
        "s100",
    ]
    assert "92 others" in said
    assert f"{sum(value for _, value in lines[5:-4]):+g}" in said


@pytest.mark.parametrize("values", [[("a", 0.0)], [("a", 1e-9)], [("a", -1e14), ("b", 1e14)], [("", -3.0)]])
@pytest.mark.slow
def test_odd_amounts_are_drawn_too(values: list[tuple[str, float]]) -> None:
    assert draw(Bars(pictures.some_bars().frame, "USD", values))


@pytest.mark.parametrize("values", [[5.0, 5.0], [0.0, 0.0], [-3.0, -9.0], [1e14, -1e14], [1e-12, 2e-12]])
@pytest.mark.slow
def test_a_line_of_any_size_is_drawn(values: list[float]) -> None:
    assert draw(an_equity(values))


def bars_of(figure: Figure) -> list[tuple[tuple[float, ...], list[float]]]:
    """The colour of the bars of returns that stand together, and how far each reaches."""
    found = (each for each in figure.axes[1].collections if isinstance(each, LineCollection))
    return [
        (tuple(np.ravel(each.get_color()).tolist()), [float(bar[1][1]) for bar in each.get_segments()])
        for each in found
    ]


def test_the_judged_step_stands_out_and_what_is_typical_is_a_band() -> None:
    shown = pictures.a_judged()
    figure = judged(shown)
    (usual, others), (marked, mine) = bars_of(figure)
    assert (usual, marked) == (to_rgba(LINE), to_rgba(AMBER))
    assert mine == pytest.approx([-0.032], abs=1e-3)
    assert max(map(abs, others)) < 0.01
    band = next(each for each in figure.axes[1].patches if isinstance(each, Rectangle) and each.get_x() == 0)
    assert (band.get_y(), band.get_height()) == pytest.approx((-3e-4, 6e-4))
    critical = judged(replace(shown, frame=replace(shown.frame, tone=Tone.CRITICAL)))
    assert bars_of(critical)[1][0] == to_rgba(RED)


@pytest.mark.parametrize(
    ("values", "typical"),
    [
        ([100.0, 97.0], None),
        ([100.0, 100.0, 100.0], 0.0),
        ([0.0, 0.0, 0.0], 1e-12),
        ([1.0, 1e9, np.nan, 1e-9, 1e9, -5.0], 1e9),
        ([1e14, -1e14, np.nan], 0.1),
        ([np.nan, 5.0, np.nan], None),
    ],
)
@pytest.mark.slow
def test_what_was_judged_is_drawn_of_any_values(values: list[float], typical: float | None) -> None:
    path = a_path(values)
    with np.errstate(all="ignore"):
        returns = path.values[1:] / path.values[:-1] - 1.0
    shown = replace(
        pictures.a_judged(),
        window=Window(UNTIL - 60.0, UNTIL, UTC),
        equity=path,
        returns=Path("alpha", path.times[1:], returns, 90.0),
        since=UNTIL - 30.0,
        time=UNTIL,
        typical=typical,
    )
    assert draw(shown)
    assert all(abs(reach) <= LARGEST for _, reaches in bars_of(judged(shown)) for reach in reaches)


def test_times_are_round_in_the_time_zone_on_the_day_the_clocks_change_too() -> None:
    berlin = zoneinfo.ZoneInfo("Europe/Berlin")
    autumn = Window(1_761_422_400.0, 1_761_422_400.0 + 86_400, berlin)  # 2025-10-25 20:00 UTC, 22:00 there
    found = list(axis.times(autumn))
    assert 3 <= len(found) <= 8
    assert "26 Oct" in [text for _, text in found]
    assert axis.zone_name(autumn) == "CET"
    week = [text for _, text in axis.times(Window(UNTIL - 7 * 86_400, UNTIL, berlin))]
    assert week == [f"{day} Nov" for day in range(19, 26)]


def test_a_sparkline_keeps_its_ends_its_gaps_and_its_width() -> None:
    assert sparkline([1, 2, 3, 4, 5, 6, 7, 8], 8) == "▁▂▃▄▅▆▇█"
    assert sparkline([1, None, 8], 3) == "▁ █"
    assert sparkline([5, 5, 5], 3) == "▄▄▄"
    assert sparkline(list(range(1_000)), 10)[::9] == "▁█"
    assert sparkline([None, None], 5) == "  "
    assert sparkline([], 5) == sparkline([1, 2], 0) == ""
    assert sparkline([-1e308, 1e308, float("nan"), float("inf")], 4) == "▁█  "


@given(st.lists(st.none() | st.floats(), max_size=50), st.integers(0, 60))
def test_a_sparkline_takes_any_values(values: list[float | None], width: int) -> None:
    assert len(sparkline(values, width)) == min(width, len(values))
