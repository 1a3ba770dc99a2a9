"""What charts look like: Vega-Lite by Altair, in the colours, markers and lines of a study.

The signal ``hidden`` has the strategies that the legend of the page switched off.
"""

from typing import Any, Literal

import altair as alt
import pandas as pd

from vaebench.cells.folder import NONE
from vaebench.plots.far import far
from vaebench.plots.palette import DASHES, SHAPES, Look
from vaebench.report.answer import Answer
from vaebench.report.vega import short

INK = "#1d1f23"

Cut = Literal["low", "high", "both"]
CUTS: dict[str, Cut] = {"value": "low", "beta": "high", "rate": "high", "distortion": "both"}
"""Column → on which side an axis leaves out what is far from all others."""

ROW, LEAST = 24, 90
"""Pixels a strategy, and at least of a chart."""


def domain(
    values: pd.Series, cut: Cut = "low", within: pd.DataFrame | None = None
) -> tuple[float, float]:
    """A range that shows most of ``values`` well: what is far from all others does not stretch it.

    ``within``: further values of the rows that are not far. Without any value it is (0, 1).
    """
    near = ~far(values, low=cut != "high", high=cut != "low")
    kept = [values[near]] + (
        [within[column][near] for column in within] if within is not None else []
    )
    found = [column for column in kept if column.notna().any()]
    if not found:
        return 0.0, 1.0
    low = min(float(column.min()) for column in found)
    high = max(float(column.max()) for column in found)
    pad = 0.04 * (high - low or abs(high) or 1.0)
    return low - pad, high + pad


def ranged(values: pd.Series, cut: Cut) -> alt.Scale:
    """An axis from :func:`domain`."""
    return alt.Scale(domain=list(domain(values.dropna(), cut)), nice=False)


class Style:
    """Charts in the colours, markers and lines of a study's strategies."""

    def __init__(self, look: Look) -> None:
        names = [name for name in look.order if name != NONE]
        self.names = names
        self.colour = alt.Color(
            "strategy:N",
            scale=alt.Scale(domain=names, range=[look.colour(name) for name in names]),
            legend=None,
        )
        self.shape = alt.Shape(
            "strategy:N",
            scale=alt.Scale(domain=names, range=[SHAPES[look.marker(name)] for name in names]),
            legend=None,
        )
        self.dash = alt.StrokeDash(
            "strategy:N",
            scale=alt.Scale(domain=names, range=[DASHES[look.line(name)] for name in names]),
            legend=None,
        )

    def finished(self, layers: list[Any], height: int) -> dict[str, Any]:
        """As wide as its place, without what was switched off."""
        switched = alt.param(name="hidden", value=[])
        made = (
            # each layer has rows of its own, which no filter of the whole would reach
            alt.layer(*[x.transform_filter("indexof(hidden, datum.strategy) < 0") for x in layers])
            .add_params(switched)
            .properties(
                width="container",
                height=height,
                autosize=alt.AutoSizeParams(type="fit-x", contains="padding"),
            )
            .to_dict()
        )
        return {key: value for key, value in made.items() if key not in ("config", "$schema")}

    def forest(
        self, rows: str, seeds: str, frame: pd.DataFrame, answer: Answer, control: str
    ) -> dict[str, Any]:
        """Differences to the control with intervals, a line a strategy; every seed as a ring."""
        measure, margin = answer.measure, answer.rows["margin"].dropna()
        low, high = domain(frame["difference"], "low", frame[["low", "high"]])
        low, high = min(low, 0.0), max(high, 0.0)
        side = {1: "further right is better", -1: "further left is better"}.get(measure.sign, "")
        unit = " (nats)" if measure.nats else ""
        title = [f"{measure.title}{unit}, difference to {control}", side]
        order = [name for name in self.names if name in set(frame["strategy"])]
        y = alt.Y("strategy:N", sort=order, title=None, axis=alt.Axis(grid=True))
        scale = alt.Scale(domain=[low, high], nice=False)
        x = alt.X("difference:Q", scale=scale, title=title, axis=alt.Axis(tickCount=5))
        means = alt.Chart(alt.NamedData(rows))
        shown = [
            alt.Tooltip("strategy:N"),
            alt.Tooltip("difference:Q", format="+.5"),
            alt.Tooltip("low:Q", title="interval from", format=".5"),
            alt.Tooltip("high:Q", title="to", format=".5"),
            alt.Tooltip("p:Q", title="p Holm", format=".3"),
            alt.Tooltip("finding:N", title="verdict"),
        ]
        whisker = means.mark_rule(strokeWidth=2, clip=True).encode(
            x="low:Q", x2="high:Q", y=y, color=self.colour, tooltip=shown
        )
        mean = means.mark_point(filled=True, size=80, opacity=1, clip=True).encode(
            x=x, y=y, color=self.colour, shape=self.shape, tooltip=shown
        )
        ring = (
            alt.Chart(alt.NamedData(seeds))
            .mark_point(size=26, strokeWidth=1, opacity=0.75, yOffset=7, clip=True, filled=False)
            .encode(
                x=x,
                y=y,
                color=self.colour,
                tooltip=[
                    alt.Tooltip("strategy:N"),
                    alt.Tooltip("seed:Q"),
                    alt.Tooltip("beta:Q", title="β selected", format=".4"),
                    alt.Tooltip("value:Q", title=measure.title, format=".5"),
                    alt.Tooltip("difference:Q", format="+.4"),
                ],
            )
        )
        outside = means.encode(y=y, text=alt.Text("words:N"))
        below = (
            outside.transform_filter(f"datum.difference < {low}")
            .transform_calculate(words="'◂ ' + format(datum.difference, '+.4')")
            .mark_text(align="left", fontSize=11, dx=4, color=INK)
            .encode(x=alt.value(0))
        )
        above = (
            outside.transform_filter(f"datum.difference > {high}")
            .transform_calculate(words="format(datum.difference, '+.4') + ' ▸'")
            .mark_text(align="right", fontSize=11, dx=-4, color=INK)
            .encode(x=alt.value("width"))
        )
        m = float(margin.iloc[0]) if len(margin) else 0.0
        around = {"zero": 0, "low": short(max(low, -m)), "high": short(min(high, m))}
        once = alt.Chart(alt.InlineData([around]))
        band = once.mark_rect(color="#0072B2", opacity=0.1).encode(x="low:Q", x2="high:Q")
        zero = once.mark_rule(color="#53585f", strokeWidth=1.2).encode(x="zero:Q")
        layers = [*([band] if m else []), zero, whisker, mean, ring, below, above]
        return self.finished(layers, max(LEAST, ROW * len(order)))

    def lines(
        self, name: str, frame: pd.DataFrame, column: str, axis: str, metric: str
    ) -> dict[str, Any]:
        """A column against updates, a line a cell."""
        base = alt.Chart(alt.NamedData(name)).encode(
            x=alt.X("updates:Q", title="updates"),
            y=alt.Y(
                f"{column}:Q",
                title=axis,
                scale=ranged(frame[column], CUTS[column]),
                axis=alt.Axis(tickCount=6),
            ),
            color=self.colour,
            detail="seed:N",
        )
        line = base.mark_line(strokeWidth=1.5, opacity=0.75, clip=True).encode(strokeDash=self.dash)
        point = base.mark_point(size=40, opacity=0, filled=True, clip=True).encode(
            tooltip=[
                alt.Tooltip("strategy:N"),
                alt.Tooltip("seed:Q"),
                alt.Tooltip("updates:Q"),
                alt.Tooltip("beta:Q", title="β", format=".4"),
                alt.Tooltip("value:Q", title=metric, format=".5"),
            ]
        )
        return self.finished([line, point], 300)

    def plane(self, name: str, frame: pd.DataFrame) -> dict[str, Any]:
        """Test distortion against test rate, a mark a cell."""
        points = (
            alt.Chart(alt.NamedData(name))
            .mark_point(filled=True, size=60, opacity=0.8, clip=True)
            .encode(
                x=alt.X("rate:Q", title="rate (nats)", scale=ranged(frame["rate"], CUTS["rate"])),
                y=alt.Y(
                    "distortion:Q",
                    title="distortion (nats)",
                    scale=ranged(frame["distortion"], CUTS["distortion"]),
                ),
                color=self.colour,
                shape=self.shape,
                tooltip=[
                    alt.Tooltip("strategy:N"),
                    alt.Tooltip("seed:Q"),
                    alt.Tooltip("beta:Q", title="β selected", format=".4"),
                    alt.Tooltip("rate:Q", format=".4"),
                    alt.Tooltip("distortion:Q", format=".5"),
                    alt.Tooltip("elbo:Q", title="ELBO", format=".5"),
                ],
            )
        )
        return self.finished([points], 320)
