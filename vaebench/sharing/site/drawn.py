"""Intervals and curves as SVG, in parts of their place, so that they fit any width.

No text is drawn: numbers stand beside in the page, where a reader of any kind finds them.
"""

import math
from collections.abc import Sequence

import pandas as pd
from markupsafe import Markup

TALL = 40.0
"""Height of a curve's picture; its width is 100, stretched to the place."""

WIDTHS, FAR = 4.0, 12.0
"""Where an interval ends beyond ``FAR`` times the median end, an axis reaches ``WIDTHS`` times it;
what goes beyond the axis ends in an arrow."""


BAR = Markup(
    '<svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true" '
    'focusable="false"><line class="zero" x1="50" x2="50" y1="0" y2="10"/>'
    '<line class="far" x1="{4}" x2="{5}" y1="5" y2="5"/>'
    '<line class="range" x1="{0}" x2="{1}" y1="5" y2="5"/>{2}'
    '<line class="value" x1="{3}" x2="{3}" y1="1.5" y2="8.5"/></svg>'
)
ARROW = Markup('<path class="more" d="M{0} 2.5 L{1} 5 L{0} 7.5 Z"/>')
CURVE = Markup(
    '<svg class="curve" viewBox="0 0 100 40" preserveAspectRatio="none" role="img" '
    'aria-label="{0}"><line class="zero" x1="0" x2="100" y1="{1}" y2="{1}"/>'
    '<polygon class="band" points="{2}"/><polyline class="mean" points="{3}"/></svg>'
)


def reach(rows: pd.DataFrame, *columns: str) -> float:
    """Half the axis of columns of bounds: all of them, unless a few are far wider than most."""
    ends = pd.concat([rows[name].abs() for name in columns]).dropna()
    if ends.empty or not ends.max() > 0:
        return 1.0
    usual = float(ends.median())
    return float(ends.max()) if ends.max() <= FAR * usual else WIDTHS * usual


def bar(
    low: float, value: float, high: float, most: float, far: tuple[float, float] | None = None
) -> Markup:
    """An interval on an axis from −``most`` to ``most``, 0 in the middle; empty without numbers.

    ``far`` is a wider interval, drawn thin below the first.
    """
    if pd.isna(value):
        return Markup("")
    low, high = (value if pd.isna(end) else end for end in (low, high))
    wide = (low, high) if far is None or pd.isna(far[0]) else far
    left, middle, right = (f"{_place(x, most):.2f}" for x in (low, value, high))
    first, last = (f"{_place(x, most):.2f}" for x in wide)
    ends = [
        ARROW.format(x, x + 2 * way)
        for x, way, out in ((2, -1, min(low, wide[0]) < -most), (98, 1, max(high, wide[1]) > most))
        if out
    ]
    return BAR.format(left, right, Markup("").join(ends), middle, first, last)


def _place(value: float, most: float) -> float:
    return 50 + 50 * max(-1.0, min(1.0, value / most))


def line(
    times: Sequence[float],
    low: Sequence[float],
    mean: Sequence[float],
    high: Sequence[float],
    alt: str,
) -> Markup:
    """A curve with its band, from the least to the largest value, 0 included."""
    bottom, top = span(low, high)
    across = [100 * time for time in times]

    def points(values: Sequence[float]) -> list[str]:
        height = [TALL * (top - value) / (top - bottom) for value in values]
        return [f"{x:.2f},{y:.2f}" for x, y in zip(across, height, strict=True)]

    band = " ".join([*points(high), *reversed(points(low))])
    zero = TALL * top / (top - bottom)
    return CURVE.format(alt, f"{zero:.2f}", band, " ".join(points(mean)))


def span(low: Sequence[float], high: Sequence[float]) -> tuple[float, float]:
    """The least and the largest value of an axis, 0 included."""
    bottom, top = min(0.0, *low), max(0.0, *high)
    return bottom, top if not math.isclose(top, bottom) else bottom + 1.0
