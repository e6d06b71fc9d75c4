"""One card for every picture: its own dark ground, large letters, sizes in pixels, foreign text drawn as it stands."""

from __future__ import annotations

import functools
import io
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, get_font
from matplotlib.text import Text

from bot.charts.values import Frame
from bot.chat import Tone
from bot.format import plain

WIDTH, HEIGHT, DPI = 1_200, 900, 100
LEFT, RIGHT, TOP, BOTTOM = 170, 1_160, 160, 800
"""Where a picture's own part begins and ends, in pixels from the left and from above."""
SMALL, BODY, LARGE = 30, 34, 54
"""Heights of letters in pixels; a phone shows a third of them."""
GROUND, INK, QUIET, GRID = "#0F172A", "#F8FAFC", "#A8B4C6", "#334155"
LINE, GAIN, LOSS = "#38BDF8", "#22C55E", "#EF4444"
AMBER, RED = "#EAB308", "#EF4444"
COLOURS = ("#38BDF8", "#F472B6", "#A3E635", "#FBBF24", "#C084FC", "#FB923C")
"""Of lines that are told apart."""
_TONES = {Tone.PLAIN: INK, Tone.GOOD: GAIN, Tone.WARN: AMBER, Tone.CRITICAL: RED, Tone.OVER: QUIET}
_LOST = "□"
"""What stands for a character that the font does not have."""


def card(frame: Frame) -> Figure:
    """An empty picture with its heading."""
    figure = Figure(figsize=(WIDTH / DPI, HEIGHT / DPI), dpi=DPI, facecolor=GROUND)
    FigureCanvasAgg(figure)
    number = write(figure, 1_160, 26, frame.figure, size=LARGE, colour=_TONES[frame.tone], bold=True, ha="right")
    room = 1_100 - (_width(number) if frame.figure else 0)
    fitted(figure, 40, 26, frame.title, room, size=LARGE, bold=True)
    detail = write(figure, 1_160, 96, frame.detail, colour=QUIET, ha="right")
    fitted(figure, 40, 96, frame.note, 1_100 - (_width(detail) if frame.detail else 0), colour=QUIET)
    return figure


def panel(figure: Figure, left: float, top: float, right: float, bottom: float) -> Axes:
    """A part of the picture, between pixels from the left and from above, without marks of its own."""
    where = (left / WIDTH, 1 - bottom / HEIGHT, (right - left) / WIDTH, (bottom - top) / HEIGHT)
    axes = figure.add_axes(where, facecolor="none")
    axes.tick_params(length=0, labelbottom=False, labelleft=False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set_axisbelow(True)
    return axes


def write(
    figure: Figure,
    x: float,
    y: float,
    text: str,
    *,
    size: float = SMALL,
    colour: str = INK,
    bold: bool = False,
    va: str = "top",
    **how: Any,
) -> Text:
    """Write a text at a pixel from the left and from above; no character of it means anything but itself."""
    return figure.text(
        x / WIDTH,
        1 - y / HEIGHT,
        legible(text),
        fontproperties=_font(bold=bold, size=size),
        color=colour,
        va=va,
        parse_math=False,
        usetex=False,
        **how,
    )


def fitted(figure: Figure, x: float, y: float, text: str, room: float, **how: Any) -> Text:
    """Write a text in at most so many pixels, cut where it is longer."""
    written = write(figure, x, y, text, **how)
    whole = written.get_text()
    while len(whole) > 1 and (width := _width(written)) > room:
        whole = whole[: min(len(whole) - 1, max(1, int(len(whole) * room / width)))]
        written.set_text(f"{whole.rstrip()}…")
    return written


def _width(text: Text) -> float:
    return float(text.get_window_extent().width)


def legible(text: str) -> str:
    """One line of at most 200 characters that the font has."""
    return "".join(each if each.isascii() or ord(each) in _characters() else _LOST for each in plain(text, 200))


def png(figure: Figure) -> bytes:
    """The picture as a PNG of 1200 x 900 pixels."""
    written = io.BytesIO()
    figure.savefig(written, format="png", dpi=DPI, facecolor=GROUND, metadata={"Software": None})
    return written.getvalue()


def _file(*, bold: bool) -> Path:
    return Path(mpl.get_data_path(), "fonts", "ttf", "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf")


@functools.lru_cache(maxsize=32)
def _font(*, bold: bool, size: float) -> FontProperties:
    """The font that comes with the library, so that a picture looks the same everywhere. `size`: pixels."""
    return FontProperties(fname=_file(bold=bold), size=size * 72 / DPI)


@functools.cache
def _characters() -> frozenset[int]:
    return frozenset(get_font(str(_file(bold=False))).get_charmap()) & frozenset(
        get_font(str(_file(bold=True))).get_charmap()
    )
