"""Tables for people: frames in, text out. Nothing is computed here.

``content`` says what stands in which table, once for all media; ``markdown``, ``latex`` and the
report render it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from vaebench.statistics.measures import MEASURES, Measure
from vaebench.words import of_replicates

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
        metric: what it is about, where it is about one metric.
    """

    section: str
    title: str
    head: list[str]
    lines: list[list[str]]
    caption: str
    aside: bool = False
    metric: str = ""

    def of_replicates(self) -> "Grid":
        """The same of a study of replicates; what is not a sentence in a line is a name."""
        said = [[of_replicates(x) if " " in x else x for x in line] for line in self.lines]
        words = (self.section, self.title, self.caption)
        section, title, caption = map(of_replicates, words)
        head = [of_replicates(each) for each in self.head]
        return replace(self, section=section, title=title, caption=caption, head=head, lines=said)


@dataclass(frozen=True)
class Column:
    """One column: its head, and a row's cell in it.

    Attributes:
        title: the head.
        cell: a row of a frame (its columns are attributes) → text.
    """

    title: str
    cell: Callable[[Any], str]


def heads(columns: Sequence[Column]) -> list[str]:
    """The heads of a table."""
    return [column.title for column in columns]


def lines(columns: Sequence[Column], rows: pd.DataFrame) -> list[list[str]]:
    """The cells of a table."""
    return [[column.cell(row) for column in columns] for row in rows.itertuples()]


def places(metric: str | Measure) -> int:
    """Decimals in print: two for nats, four for what has no unit."""
    measure = MEASURES.get(metric) if isinstance(metric, str) else metric
    return 2 if measure is not None and measure.nats else 4


def number(value: float, metric: str | Measure) -> str:
    """Four decimals for ranking metrics, two for nats; an en dash where there is none."""
    return "–" if pd.isna(value) else f"{value:.{places(metric)}f}"


def signed(value: float, metric: str | Measure) -> str:
    """Likewise with its sign."""
    return "–" if pd.isna(value) else f"{value:+.{places(metric)}f}"


def interval(low: float, high: float, metric: str | Measure) -> str:
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


def full(measure: Measure) -> str:
    """A metric's name with its unit."""
    return f"{measure.title} (nats)" if measure.nats else measure.title


def counted(counts: pd.Series, what: str) -> str:
    """``5 seeds``, or ``3 to 5 seeds`` where rows differ."""
    few, many = int(counts.min()), int(counts.max())
    if few == many:
        return f"{many} {what}{'' if many == 1 else 's'}"
    return f"{few} to {many} {what}s"
