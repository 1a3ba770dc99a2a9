"""Tables for people: frames in, text out. Nothing is computed here.

``content`` says what stands in which table, once for all media; ``markdown``, ``latex`` and the
report render it.
"""

from dataclasses import dataclass

import pandas as pd

from vaebench.words import NATS

SMALLEST_P = 0.001


@dataclass(frozen=True)
class Grid:
    """One table, in words.

    Attributes:
        section: what it belongs to.
        title: what it shows.
        head: names of the columns.
        lines: the cells, row by row, as many as ``head``.
        caption: what was averaged, over how much, and tested how.
        aside: not a main result; shown folded where a medium can.
    """

    section: str
    title: str
    head: list[str]
    lines: list[list[str]]
    caption: str
    aside: bool = False


def number(value: float, metric: str) -> str:
    """Four decimals for ranking metrics, two for nats; an en dash where there is none."""
    return "–" if pd.isna(value) else f"{value:.{2 if metric in NATS else 4}f}"


def signed(value: float, metric: str) -> str:
    """Likewise with its sign."""
    return "–" if pd.isna(value) else f"{value:+.{2 if metric in NATS else 4}f}"


def interval(low: float, high: float, metric: str) -> str:
    """``[low, high]``; an en dash where there is none."""
    return "–" if pd.isna(low) else f"[{number(low, metric)}, {number(high, metric)}]"


def decimals(value: float, places: int = 2) -> str:
    """A number without a unit of its own."""
    return "–" if pd.isna(value) else f"{value:.{places}f}"


def p_value(p: float) -> str:
    """Two significant digits; never 0."""
    if pd.isna(p):
        return "–"
    return "< .001" if p < SMALLEST_P else f"{p:.3f}".removeprefix("0")


def unit(metric: str) -> str:
    """`` (nats)`` for metrics in nats."""
    return " (nats)" if metric in NATS else ""


def counted(counts: pd.Series, what: str) -> str:
    """``5 seeds``, or ``3 to 5 seeds`` where rows differ."""
    few, many = int(counts.min()), int(counts.max())
    if few == many:
        return f"{many} {what}{'' if many == 1 else 's'}"
    return f"{few} to {many} {what}s"
