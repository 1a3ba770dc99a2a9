"""β(t) of one training."""

from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure

from vaebench.plots import STYLE


def beta(trace: pd.DataFrame) -> Figure:
    """Mean β by update; the band holds 90 % of its values.

    Args:
        trace: one row an epoch: ``updates, beta, beta_q05, beta_q95``.
    """
    style: Any = STYLE  # for this figure alone: whoever calls this has a style of their own
    with mpl.rc_context(style):
        figure = Figure(figsize=(4, 2.5), layout="constrained")
        axis = figure.subplots()
        axis.fill_between(
            trace["updates"], trace["beta_q05"], trace["beta_q95"], color="#56B4E9", alpha=0.35
        )
        axis.plot(trace["updates"], trace["beta"], color="#000000", linewidth=1.2)
        axis.set(xlabel="updates", ylabel="β")
    return figure
