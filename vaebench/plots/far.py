"""What is far from all others would make them one point: it is named at the edge instead."""

import pandas as pd
from matplotlib.axes import Axes

REACH = 6
"""Ranges between the quartiles, outside of them, from which on a value is far."""

FEW = 4
"""So few values have none far from the rest."""


def far(values: pd.Series, *, low: bool = False, high: bool = False) -> pd.Series:
    """Which values are far below the others (``low``), or far above (``high``)."""
    nowhere = values.isna() & False
    if values.notna().sum() <= FEW:
        return nowhere
    first, third = values.quantile([0.25, 0.75])
    reach = REACH * (third - first)
    below = values < first - reach if low else nowhere
    return below | (values > third + reach if high else nowhere)


def name_at_edge(axis: Axes, text: str, place: float, size: float, *, left: bool) -> None:
    """A number at the left or right edge, on a line."""
    axis.annotate(
        f"◂ {text}" if left else f"{text} ▸",
        (0.01 if left else 0.99, place),
        xycoords=("axes fraction", "data"),
        ha="left" if left else "right",
        va="center",
        fontsize=size,
        color="#333333",
    )
