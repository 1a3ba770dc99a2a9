"""Figures in print: nothing overlaps, nothing is cut off, each fits the page of a paper.

With 2 and 24 strategies of long names and 1 and 8 data sets, as the renderer measures them.
"""

import functools
from collections.abc import Iterator
from itertools import combinations

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from tests.sizes import SIZES, names, study
from vaebench import plots
from vaebench.captions import FIGURES
from vaebench.cells.folder import NONE
from vaebench.plots.layout import TALLEST, TEXT, wrapped
from vaebench.plots.study import figures

CAPTION = 0.9
"""Inches of a page that a figure with a long legend may take from its caption."""


@functools.cache
def drawn(strategies: int, datasets: int, name: str) -> Figure:
    plots.use_style()
    order, _ = names(strategies, datasets)
    made = study(strategies, datasets)
    figure = figures(made, {}, [*order, NONE], order[0], 0.95)[name]()
    FigureCanvasAgg(figure).draw()
    return figure


def words(figure: Figure) -> Iterator[tuple[Text, Bbox]]:
    """Every text that is drawn, and its place in inches."""
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    found = [*figure.texts, *(text for legend in figure.legends for text in legend.texts)]
    for axis in figure.axes:
        found += axis.texts
        if axis.axison:
            found += [axis.title, axis.xaxis.label, axis.yaxis.label]
            for along in (axis.xaxis, axis.yaxis):
                found += [tick.label1 for tick in along._update_ticks()]
    for text in found:
        if text.get_visible() and text.get_text().strip():
            yield text, Bbox(text.get_window_extent(renderer).get_points() / figure.dpi)


def overlap(one: Bbox, two: Bbox) -> float:
    """The smaller side of what two boxes share, in inches; 0 if they share nothing."""
    width = min(one.x1, two.x1) - max(one.x0, two.x0)
    height = min(one.y1, two.y1) - max(one.y0, two.y0)
    return max(0.0, min(width, height))


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("size", SIZES)
def test_no_words_overlap_and_the_figure_fits_a_page(size: str, name: str) -> None:
    figure = drawn(*SIZES[size], name)
    found = list(words(figure))
    assert found
    clashes = [
        (one.get_text(), two.get_text())
        for (one, here), (two, there) in combinations(found, 2)
        if overlap(here, there) > 0.02
    ]
    assert not clashes, clashes[:3]
    box = figure.get_tightbbox()
    assert box.width <= TEXT + 0.1
    assert box.height <= TALLEST + CAPTION
    for axis in figure.axes:
        if axis.axison:
            place = axis.get_window_extent()
            assert min(place.width, place.height) / figure.dpi > 0.5, "an axis has no room"


@pytest.mark.parametrize("name", ["differences", "elbo", "ranking", "rate_distortion"])
def test_no_note_lies_over_a_mark(name: str) -> None:
    figure = drawn(*SIZES["wide"], name)
    notes = {text: box for text, box in words(figure) if text.axes and text in text.axes.texts}
    marks = 0
    for axis in figure.axes:
        for line in axis.lines:
            if line.get_marker() in ("None", "", None, "|"):
                continue
            for place in axis.transData.transform(line.get_xydata()) / figure.dpi:
                marks += 1
                for text, box in notes.items():
                    assert text.axes is not axis or not box.contains(*place), text.get_text()
    assert marks or name == "rate_distortion"


def test_words_are_wrapped_at_the_width() -> None:
    lines = wrapped("amazon-digital-music-5-core-1, mult-vae", 1.0, 8).split("\n")
    assert max(map(len, lines)) <= 1.0 / (8 * 0.0083)
    assert "".join(lines).replace(" ", "") == "amazon-digital-music-5-core-1,mult-vae"
