r"""Tables as LaTeX: booktabs, for a plain article.

The preamble needs ``\usepackage{booktabs}``.
"""

import re
from dataclasses import replace

import pandas as pd

from vaebench.statistics.measures import MEASURES, Measure, Measures
from vaebench.tables import Grid, counted, full, number
from vaebench.tables.content import RANGES, epoch_of, selects_of, without_baselines
from vaebench.words import of_replicates

TEX = {
    "&": r"\&",
    "%": r"\%",
    "_": r"\_",
    "#": r"\#",
    "$": r"\$",
    "^": r"\^{}",
    "–": "--",
    "−": "$-$",
    "+": "$+$",
    "-": "$-$",
    "±": r"$\pm$",
    "×": r"$\times$",
    "<": "$<$",
    ">": "$>$",
    "≥": r"$\geq$",
    "α": r"$\alpha$",
    "β": r"$\beta$",
    "γ": r"$\gamma$",
    "χ": r"$\chi$",
    "²": "$^2$",
    "“": "``",
    "”": "''",
    "…": r"\ldots{}",
    "†": r"$\dagger$",
    "d_z": r"$d_z$",
    "p": "$p$",
    "|x_u|": r"$|x_u|$",
    "P(>)": r"$P(>)$",
    "I(x; z)": r"$I(x; z)$",
}
"""Text → LaTeX."""

SIGN = r"(?<![\w.])[+-](?=[\d.])"
"""A sign of a number; the hyphen of a name stands after a letter or digit."""

SYMBOLS = r"\|x_u\||P\(>\)|I\(x; z\)|\bd_z\b|(?<![\w-])p(?![\w-])"


def tex(text: str) -> str:
    """Text as LaTeX."""
    pattern = rf"{SYMBOLS}|{SIGN}|[&%_#$^<>]|[^\x00-\x7f]"
    return re.sub(pattern, lambda found: TEX.get(found[0], found[0]), text)


def float_of(caption: str, columns: str, head: list[str], lines: list[list[str]]) -> str:
    """One table as a float, at most as wide as the text."""
    rows = [" & ".join(line) + r" \\" for line in lines]
    body = [r"\toprule", " & ".join(head) + r" \\", r"\midrule", *rows, r"\bottomrule"]
    return "\n".join(
        [
            r"\begin{table}[tbp]\centering\footnotesize\setlength{\tabcolsep}{3.5pt}",
            rf"\caption{{{caption}}}\smallskip",
            rf"\begin{{tabular}}{{{columns}}}",
            *body,
            r"\end{tabular}",
            r"\end{table}",
        ]
    )


WORDS = {"strategy", "verdict", "users", "pair", "metric", "source"}
"""Columns of text; all others are numbers, to the right."""

CLEAR = r"\clearpage"

PAGE = 45
"""Lines of a table that fit a page with its caption."""


def grids(tables: list[Grid], drop: tuple[str, ...] = ()) -> str:
    """Tables as they are, without the columns named in ``drop``."""
    parts = []
    for grid in tables:
        kept = [place for place, name in enumerate(grid.head) if name not in drop]
        lines = [[tex(line[place]) for place in kept] for line in grid.lines]
        columns = "".join("l" if grid.head[place] in WORDS else "r" for place in kept)
        head = [tex(grid.head[place]) for place in kept]
        for start in range(0, len(lines), PAGE):
            words = f"{grid.title}, continued." if start else f"{grid.title}. {grid.caption}"
            parts.append(float_of(tex(words), columns, head, lines[start : start + PAGE]))
        if len(parts) >= 12 * (1 + parts.count(CLEAR)):  # LaTeX keeps only so many floats waiting
            parts.append(CLEAR)
    return "\n\n".join(parts) + "\n"


IN_PAPER: dict[str, tuple[str, ...]] = {
    "Results": ("seeds", "mean", "interval", "p"),
    "Models and baselines": ("interval", "pairs", "p"),
    "Across data sets": (),
    "User activity": (),
    "Latents": (),
    "Sources of variance": (),
    "How many seeds": (),
    "Replicates": (),
}
"""Sections for a paper's appendix, and the columns that another table of the paper has."""


def without_ranges(grid: Grid) -> Grid:
    """Means alone, so that a wide table fits the page."""
    lines = [[re.sub(r" \[.*\]$", "", cell) for cell in line] for line in grid.lines]
    caption = grid.caption.replace(RANGES, "")
    return replace(grid, lines=lines, caption=caption)


def sections(tables: list[Grid], measures: Measures = MEASURES) -> str:
    """The tables of a paper's appendix; those of metrics without a better side are left out."""
    parts = ["% needs \\usepackage{booktabs}"]
    for section, drop in IN_PAPER.items():
        names = (section, of_replicates(section))
        chosen = [grid for grid in tables if grid.section in names]
        if section == "Results":
            chosen = [grid for grid in chosen if measures[grid.metric].sign]
        if section == "Latents":
            chosen = [without_ranges(grid) for grid in chosen]
        if chosen:
            parts.append(grids(chosen, (*drop, *map(of_replicates, drop))))
    return "\n".join(parts) + "\n"


def means(
    summary: pd.DataFrame, control: str, confidence: float, measures: Measures = MEASURES
) -> str:
    r"""A table a (data set, model): a row a strategy, a column a metric.

    Metrics of ranking and metrics in nats stand apart, so that a table fits the width of a page.
    The best mean is bold, † marks those that are not significantly different from the best, *
    those that differ from the control. Metrics without a better side are left out.

    Args:
        summary: see :class:`vaebench.statistics.study.Findings`.
        control: the control.
        confidence: level; 1 − confidence is that of the marks.
        measures: the metrics.
    """
    parts = ["% needs \\usepackage{booktabs}"]
    shown = without_baselines(summary)
    ranked = [name for name, measure in measures.items() if measure.sign]
    shown = shown[shown["metric"].isin(ranked)] if len(shown) else shown
    if shown.empty:
        return parts[0] + "\n% no cell finished\n"
    in_nats = shown["metric"].map(lambda name: measures[name].nats).rename("nats")
    for (dataset, model, _), rows in shown.groupby(["dataset", "model", in_nats], sort=False):
        columns = list(dict.fromkeys(rows["metric"]))
        cells = {(row.strategy, row.metric): row for row in rows.itertuples()}
        lines = [
            [
                tex(strategy),
                *(mean(cells.get((strategy, m)), measures[m], 1 - confidence) for m in columns),
            ]
            for strategy in dict.fromkeys(rows["strategy"])
        ]
        head = ["strategy", *(tex(full(measures[m])) for m in columns)]
        said = marks(rows, control, confidence, measures)
        said += epochs_of([measures[name] for name in columns], selects_of(rows))
        caption = tex(f"{dataset}, {model}. {said}")
        # room for the marks, which stick out to the right
        parts.append(float_of(caption, "l" + r"r@{\hspace{2.2em}}" * len(columns), head, lines))
    return "\n\n".join(parts) + "\n"


def epochs_of(shown: list[Measure], selects: str) -> str:
    """Whose weights the columns of a table test."""
    epochs = {measure.epoch: measure for measure in shown}
    if len(epochs) == 1:
        return epoch_of(shown[0], selects)
    return f"{epoch_of(epochs['selected'], selects)} “last epoch”: those of the last one."


def marks(
    rows: pd.DataFrame, control: str, confidence: float, measures: Measures = MEASURES
) -> str:
    """What was averaged, and what the marks of a table mean."""
    of_cells = rows["metric"].map(lambda name: measures[name].per == "cell")
    shown = rows[(rows["seeds"] > 0) & ~of_cells]
    shown = shown if len(shown) else rows[rows["seeds"] > 0]
    sentence = (
        f"Mean over {counted(shown['seeds'], 'seed')} and "
        f"{counted(shown['examples'], 'test example')} ± half of the {confidence:.0%} interval "
        "over both."
        if len(shown)
        else "No seed finished."
    )
    alpha = f"{1 - confidence:.2g}"
    if "best" in rows and (rows["best"] == True).any():  # noqa: E712 (objects, some missing)
        sentence += " Bold: the best mean;"
        if rows["p_best"].notna().any():
            sentence += (
                f" †: not significantly different from it (p ≥ {alpha}; exploratory: the best was "
                "chosen by the same data, so where nothing differs some strategy lacks the mark in "
                "up to 29 % of all studies of 24 strategies);"
            )
        else:
            sentence += " nothing was tested against it;"
    if rows["p_holm"].notna().any():
        sentence += f" *: different from {control} (p < {alpha});"
        sentence += " the larger p of the crossed test of seeds and examples and of the seeds'"
        sentence += " paired t, with Holm's correction."
    if of_cells.any():
        names = ", ".join(dict.fromkeys(measures[name].title for name in rows["metric"][of_cells]))
        sentence += f" One value a cell, so over seeds alone, by the seeds' paired t: {names}."
    else:
        sentence += " no test: each needs two common seeds and examples."
    return sentence + failed(rows)


def failed(rows: pd.DataFrame) -> str:
    """Which strategies lack how many seeds, most of all metrics; empty if none does."""
    most = rows.loc[rows.groupby("strategy", sort=False)["failed"].idxmax()]
    lost = [
        f"{row.strategy} {row.failed} of {row.failed + row.seeds} seeds"
        for row in most.itertuples()
        if row.failed
    ]
    return f" Without a result, and so not in the means: {', '.join(lost)}." if lost else ""


def mean(row: tuple[object, ...] | None, metric: Measure, alpha: float) -> str:
    """One cell of :func:`means`."""
    if row is None:
        return "--"
    text = tex(number(row.mean, metric))  # type: ignore[attr-defined]
    best = getattr(row, "best", None)
    if best is True or best == True:  # noqa: E712 (NumPy's True)
        text = rf"\textbf{{{text}}}"
    if pd.notna(row.low):  # type: ignore[attr-defined]
        text += rf" $\pm$ {number(row.high - row.mean, metric)}"  # type: ignore[attr-defined]
    sign = ""
    if getattr(row, "p_best", 0) >= alpha:
        sign += r"\dagger"
    if row.p_holm < alpha:  # type: ignore[attr-defined]
        sign += "*"
    # what sticks out must not push the column
    return text + (rf"\rlap{{$^{{{sign}}}$}}" if sign else "")
