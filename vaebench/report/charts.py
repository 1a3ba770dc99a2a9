"""The charts of a study: who differs how, what training did; the numbers that each draws."""

import math
from collections.abc import Sequence

import pandas as pd

from vaebench.cells.folder import NONE
from vaebench.plots.palette import Look
from vaebench.report.answer import Answer
from vaebench.report.drawing import CUTS, Style, domain
from vaebench.report.vega import Chart, Charts
from vaebench.words import METRICS, NATS

MOST_POINTS = 24_000
"""Of all trainings together; a study with more shows fewer epochs of each, evenly spaced."""


def charts(
    found: Sequence[Answer],
    runs: pd.DataFrame,
    cells: pd.DataFrame,
    traces: pd.DataFrame,
    control: str,
    look: Look,
) -> Charts:
    """The charts of a study.

    Args:
        found: the answers; those of strategies against the control are drawn.
        runs: a row a strategy and seed, see :class:`vaebench.statistics.study.Findings`.
        cells: a row a cell.
        traces: a row a cell and epoch; empty where there are none.
        control: the control.
        look: of the strategies.
    """
    figures: dict[str, list[Chart]] = {}
    data: dict[str, pd.DataFrame] = {}
    style = Style(look)
    for number, answer in enumerate(each for each in found if each.against == control):
        rows, points = differences(answer, runs, cells, control)
        names = (f"differences-{number}", f"seeds-{number}")
        data |= dict(zip(names, (rows, points), strict=True))
        spec = style.forest(*names, rows, answer, control)
        says = f"Difference to {control} of each strategy; the table of {answer.place} has the same"
        chart = Chart(names[0], answer.place, says, spec, names)
        figures.setdefault("differences", []).append(chart)
    done = cells[(cells["status"] == "done") & (cells["strategy"] != NONE)]
    for number, ((dataset, model), rows) in enumerate(
        done.groupby(["dataset", "model"], sort=False) if len(done) else ()
    ):
        place = f"{dataset}, {model}"
        plane = (
            rows[rows["rate"].notna() & rows["distortion"].notna()] if "rate" in rows else rows[:0]
        )
        if len(plane):
            name = f"plane-{number}"
            data[name] = _named(
                plane, "strategy", "seed", "rate", "distortion", beta="beta_selected"
            ).assign(elbo=-(plane["rate"] + plane["distortion"]))
            says = "Distortion against rate of each cell"
            spec = style.plane(name, data[name])
            far = beyond(data[name], "rate", "distortion")
            chart = Chart(name, place, f"{says}, {place}", spec, (name,), note=far)
            figures.setdefault("rate_distortion", []).append(chart)
    if len(traces):
        share = max(1, MOST_POINTS // max(1, traces.groupby(KEYS).ngroups))
        for number, ((dataset, model), rows) in enumerate(
            traces.groupby(["dataset", "model"], sort=False)
        ):
            place, name = f"{dataset}, {model}", f"training-{number}"
            kept, metric = thinned(rows, share), str(rows["selecting"].iloc[0])
            value = f"validation_{metric}"
            data[name] = _named(kept, "strategy", "seed", "updates", "beta", value=value)
            title = _title(metric)
            for figure, column, axis in (
                ("curves", "value", f"validation {title}"),
                ("beta", "beta", "β"),
            ):
                spec = style.lines(name, data[name], column, axis, f"validation {title}")
                chart = Chart(
                    name=f"{figure}-{number}",
                    title=place,
                    says=f"{axis} by updates, {place}",
                    spec=spec,
                    data=(name,),
                    renderer="canvas",
                    note=beyond(data[name], column),
                )
                figures.setdefault(figure, []).append(chart)
    return Charts(figures, data)


def beyond(frame: pd.DataFrame, *columns: str) -> str:
    """Who has values that the axes of a chart leave out."""
    names: dict[str, None] = {}
    for column in columns:
        low, high = domain(frame[column].dropna(), CUTS[column])
        out = (frame[column] < low) | (frame[column] > high)
        names |= dict.fromkeys(frame["strategy"][out])
    return ", ".join(names)


KEYS = ["dataset", "model", "strategy", "seed"]


def _title(metric: str) -> str:
    """Of an axis."""
    return f"{METRICS.get(metric, metric)}{' (nats)' if metric in NATS else ''}"


def _named(frame: pd.DataFrame, *same: str, **other: str) -> pd.DataFrame:
    """Columns by the names that charts use."""
    wanted = dict(zip(same, same, strict=True)) | other
    return pd.DataFrame({name: frame.get(column, math.nan) for name, column in wanted.items()})


def thinned(traces: pd.DataFrame, most: int) -> pd.DataFrame:
    """At most ``most`` epochs of every cell, evenly spaced, the last among them."""
    place = traces.groupby(KEYS, sort=False).cumcount(ascending=False)
    number = traces.groupby(KEYS, sort=False)["updates"].transform("size")
    step = (number / most).clip(lower=1)
    return traces[(place % step) < 1]


def differences(
    answer: Answer, runs: pd.DataFrame, cells: pd.DataFrame, control: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Means with simultaneous intervals, and the difference of every single seed."""
    measured = answer.rows[answer.rows["difference"].notna()]
    rows = _named(
        measured,
        "strategy",
        "difference",
        "finding",
        low="joint_low",
        high="joint_high",
        p="p_holm",
    )
    first = answer.rows.iloc[0]
    chosen = (runs[["dataset", "model", "metric"]] == first[["dataset", "model", "metric"]]).all(
        axis=1
    )
    mine = runs[chosen]
    base = mine[mine["strategy"] == control].set_index("seed")["value"]
    points = mine[(mine["strategy"] != control) & mine["seed"].isin(base.index)]
    points = points.assign(difference=points["value"] - points["seed"].map(base))
    points = points[points["strategy"].isin(rows["strategy"])]
    weights = cells.reindex(columns=[*KEYS, "beta_selected"])
    points = points.merge(weights, on=KEYS, how="left")
    return rows, _named(points, "strategy", "seed", "value", "difference", beta="beta_selected")
