"""Panels that fit the page of a paper, however many data sets there are and however long names are.

A figure is included at its natural size: at most as wide as the text and as high as a page with a
caption. So more panels stand in a row, and are smaller, only where they would not fit otherwise.
"""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

TEXT, TALLEST = 6.5, 8.2
"""Inches: the width of a paper's text, and the height of a page without the caption."""

PANEL = 3.2
"""Inches: a column of a two-column paper."""

LETTER = 0.0083
"""Inches that a letter is wide, a point of its size, at most on average."""

SIZES = {1: 9.0, 2: 9.0, 3: 7.5, 4: 7.0}
"""Panels in a row → points of their type."""

LINE = {1: 0.2, 2: 0.2, 3: 0.17, 4: 0.13}
"""Panels in a row → inches of a strategy's line."""

HEAD, TITLE = 0.78, 0.14
"""Inches above and below the lines of a panel, and of each further line of its title."""

NARROWEST = 0.85
"""Inches of a panel without its names."""

TICK = 0.62
"""Inches that a number at an axis needs."""


@dataclass(frozen=True)
class Panels:
    """A figure's panels.

    Attributes:
        figure: the figure.
        axes: one a panel.
        room: inches that an axis is wide, about.
        size: points of its type.
        names: for each panel, whether the names of its lines stand beside it.
    """

    figure: Figure
    axes: list[Axes]
    room: float
    size: float
    names: list[bool]

    def title(self, axis: Axes, text: str, pad: float = 4) -> None:
        """A title in as many lines as it needs."""
        axis.set_title(wrapped(text, self.room, self.size), fontsize=self.size, pad=pad)

    def ticks(self, axis: Axes) -> None:
        """As many numbers below an axis as have room, in the size of the panel's type."""
        axis.tick_params(labelsize=self.size - 1)
        axis.xaxis.set_major_locator(MaxNLocator(max(1, min(5, int(self.room / TICK)))))

    def label(self, axis: Axes, text: str) -> None:
        """What is measured along an axis, in as many lines as it needs."""
        axis.set_xlabel(wrapped(text, self.room, self.size - 0.5), fontsize=self.size - 0.5)


def letters(inches: float, size: float) -> int:
    """So many letters of a type fit."""
    return max(8, int(inches / (LETTER * size)))


def wrapped(text: str, inches: float, size: float) -> str:
    """A text in lines that are so wide."""
    lines = (textwrap.wrap(line, letters(inches, size)) for line in text.split("\n"))
    return "\n".join(part for line in lines for part in line)


def listed(names: Sequence[Sequence[str]], titles: Sequence[str]) -> Panels:
    """Panels with a line a name; where all have the same names, the first of a row alone has them.

    Args:
        names: of each panel.
        titles: of each panel, only to know how high they are.
    """
    count, shared = len(names), len({tuple(each) for each in names}) == 1
    longest = max(len(name) for each in names for name in each)
    for columns in range(min(count, 2), 5):
        size = SIZES[columns]
        beside = 0.15 + longest * LETTER * (size - 1)
        room = (TEXT - beside * (1 if shared else columns)) / columns
        if room < NARROWEST and columns == 2:  # noqa: PLR2004
            columns, room = 1, TEXT - beside  # noqa: PLW2901
        if columns == 1:
            room = min(room, max(PANEL - beside, 1.8))
        lines = max(wrapped(title, room, size).count("\n") for title in titles)
        each = [HEAD + TITLE * lines + LINE[columns] * max(3, len(one)) for one in names]
        rows = [max(each[start : start + columns]) for start in range(0, count, columns)]
        narrower = (TEXT - beside * (1 if shared else columns + 1)) / (columns + 1)
        if sum(rows) <= TALLEST or columns >= min(count, 4) or narrower < NARROWEST:
            break
    width = room * columns + beside * (1 if shared else columns)
    figure = Figure(figsize=(width, sum(rows)), layout="constrained")
    axes = _grid(figure, count, columns, rows)
    seen = [not shared or place % columns == 0 for place in range(count)]
    return Panels(figure, axes, room, size, seen)


def titled(groups: Sequence[tuple[str, str]]) -> tuple[list[str], str]:
    """Titles of panels of (data set, model), and one of all: a model that they share."""
    models = {model for _, model in groups}
    if len(groups) > 1 and len(models) == 1:
        return [dataset for dataset, _ in groups], models.pop()
    return [f"{dataset}, {model}" for dataset, model in groups], ""


def plain(count: int, height: float = 2.6) -> Panels:
    """Panels of one kind, about as high as wide."""
    columns = min(max(1, count), 2)
    while -(-count // columns) * height * _share(columns) > TALLEST - 1 and columns < 4:  # noqa: PLR2004
        columns += 1
    width = PANEL * _share(columns)
    rows = [height * _share(columns)] * -(-max(1, count) // columns)
    figure = Figure(figsize=(width * columns, sum(rows)), layout="constrained")
    axes = _grid(figure, max(1, count), columns, rows)
    return Panels(figure, axes, width - 0.75, SIZES[columns], [True] * count)


def _share(columns: int) -> float:
    """Of a panel's full size, that so many in a row have."""
    return min(1.0, TEXT / columns / PANEL)


def _grid(figure: Figure, count: int, columns: int, rows: Sequence[float]) -> list[Axes]:
    """Axes row by row; what is left of the last row is empty."""
    ratios = {"height_ratios": rows}
    grid = figure.subplots(len(rows), columns, squeeze=False, gridspec_kw=ratios)
    axes: list[Axes] = grid.flatten().tolist()
    for axis in axes[count:]:
        axis.remove()
    return axes[:count]
