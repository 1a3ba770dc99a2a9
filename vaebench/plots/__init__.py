"""Figures: frames in, figures out; nothing is computed here.

A panel is as wide as a column of a paper and its type is 7 to 9 points there: figures are included
at their natural size.
"""

import io
from collections.abc import Iterable, Sequence
from pathlib import Path

import matplotlib as mpl
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from vaebench.captions import title
from vaebench.files import whole
from vaebench.plots.layout import LETTER
from vaebench.plots.palette import Look
from vaebench.words import METRICS, NATS

STYLE = {
    "figure.dpi": 150,
    "savefig.bbox": "tight",
    "savefig.pad_inches": 0.03,
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.labelsize": 8.5,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "axes.linewidth": 0.8,
    "xtick.major.width": 0.8,
    "ytick.major.width": 0.8,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e5e5e5",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "pdf.fonttype": 42,  # embedded TrueType: text stays text
    "svg.fonttype": "none",
}

COLUMN = 3.2
"""Inches: a column of a two-column paper."""

SCREEN = 144
"""Dots per inch of pictures: two panels are as wide as the report."""

PANELS_IN_A_ROW = 2
"""As many as the text of a paper is wide."""

FULL = 16
"""More names in a legend are in smaller type."""

LINE, FREE_LINES = 0.17, 3
"""Inches of a legend's line, and how many lines the height of a figure allows for."""


def use_style() -> None:
    """The style of all figures; call once per process."""
    sns.set_theme(style="ticks", rc=STYLE)
    mpl.use("agg")


def label(metric: str) -> str:
    """A metric with its unit."""
    return f"{METRICS[metric]} (nats per example)" if metric in NATS else title(metric)


def panels(
    count: int, *, width: float = COLUMN, height: float | Sequence[float] = 2.6
) -> tuple[Figure, list[Axes]]:
    """A figure of ``count`` axes, two in a row; with none, one to say so.

    ``height`` is that of all panels or of each; a row is as high as its highest.
    """
    count = max(1, count)
    columns = min(count, PANELS_IN_A_ROW)
    each = [height] * count if isinstance(height, float | int) else list(height)
    rows = [max(each[start : start + columns]) for start in range(0, count, columns)]
    figure = Figure(figsize=(width * columns, sum(rows)), layout="constrained")
    ratios = {"height_ratios": rows}
    axes = figure.subplots(len(rows), columns, squeeze=False, gridspec_kw=ratios).flatten().tolist()
    for axis in axes[count:]:
        axis.set_axis_off()
    return figure, axes[:count]


def blocks(frame: pd.DataFrame, keys: Sequence[str] = ("dataset", "model")) -> list[tuple]:  # type: ignore[type-arg]
    """Groups in the order of the study; none of an empty frame."""
    return list(frame.groupby(list(keys), sort=False)) if len(frame) else []


def nothing(reason: str = "no cell finished") -> Figure:
    """A figure that says why there is nothing to draw."""
    figure, (axis,) = panels(1, height=0.8)
    axis.set_axis_off()
    axis.text(0.5, 0.5, reason, ha="center", va="center")
    return figure


def legend(figure: Figure, look: Look, present: Iterable[str], *, lines: bool = False) -> Figure:
    """One legend below all panels."""
    found = set(present)
    handles = [
        mpl.lines.Line2D(
            [],
            [],
            color=look.colour(name),
            marker="" if lines else look.marker(name),
            linestyle=look.line(name) if lines else "",  # type: ignore[arg-type]
            ms=4,
            label=name,
        )
        for name in look.order
        if name in found
    ]
    widest = 0.5 + LETTER * 8 * max(map(len, (str(h.get_label()) for h in handles)), default=1)
    columns = max(1, min(len(handles), int(figure.get_figwidth() / widest)))
    lines_of_names = -(-len(handles) // columns)
    if lines_of_names > FREE_LINES:  # else a long legend would take the panels' room
        figure.set_figheight(figure.get_figheight() + LINE * (lines_of_names - FREE_LINES))
    figure.legend(
        handles=handles,
        loc="outside lower center",
        ncols=columns,
        fontsize=8 if len(handles) <= FULL else 7,
        handlelength=2.6 if lines else 1.5,
        columnspacing=1.0,
    )
    return figure


COLOURS = 128
"""Different colours of a PNG: a figure has few, and the page that holds them all stays small."""


def save(figure: Figure, stem: Path, endings: Sequence[str] = (".pdf", ".png")) -> None:
    """Write ``stem.pdf`` (vector) and ``stem.png``, or one of them."""
    if ".pdf" in endings:
        with whole(stem.with_suffix(".pdf")) as path:
            # no creation date: the same results make the same bytes
            figure.savefig(path, metadata={"CreationDate": None})
    if ".png" in endings:
        with whole(stem.with_suffix(".png")) as path:
            few_colours(figure, path)


def few_colours(figure: Figure, path: Path) -> None:
    """Write a PNG."""
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", dpi=SCREEN)
    with Image.open(drawn) as picture:
        said = PngInfo()  # which version of matplotlib drew it
        said.add_text("Software", str(picture.info["Software"]))
        few = picture.convert("RGB").quantize(
            COLOURS, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE
        )
    few.save(path, "png", optimize=True, pnginfo=said, dpi=(SCREEN, SCREEN))
