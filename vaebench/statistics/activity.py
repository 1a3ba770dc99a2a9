"""Users by activity: is a strategy better for those with few interactions or with many?"""

import numpy as np
import pandas as pd

from vaebench.statistics.family import Values, compare
from vaebench.statistics.multiplicity import holm
from vaebench.statistics.simultaneous import joint

QUARTILES = (0.25, 0.5, 0.75)

KEPT = ["strategy", "mean", "low", "high", "seeds", "examples", "difference", "difference_low"]
KEPT += ["difference_high", "p", "p_crossed", "p_seeds", "error", "freedom", "error_seeds"]
KEPT += ["pairs", "note"]


def quartile(interactions: pd.Series) -> pd.Series:
    """The quartile 1 … 4 of every user by |x_u|; users of the same |x_u| share a group.

    Bounds are the quartiles of |x_u|; a user on a bound belongs below it. Where many users have the
    same |x_u| groups differ in size, and one may be empty.
    """
    bounds = np.quantile(interactions, QUARTILES)
    return pd.Series(1 + np.searchsorted(bounds, interactions), index=interactions.index)


def by_activity(
    values: Values, interactions: pd.Series, order: list[str], control: str, confidence: float
) -> pd.DataFrame:
    """The family once more, in each quartile of users.

    Columns ``group`` (1 … 4), ``fewest, most`` (|x_u| of the group), those of :data:`KEPT`, and
    ``p_holm`` and ``joint_low, joint_high`` over all strategies and all groups of this family: four
    groups are four looks.

    Args:
        values: see :data:`vaebench.statistics.family.Values`.
        interactions: |x_u| by the labels of the examples.
        order: strategies in the order wanted.
        control: the strategy that the others are compared with.
        confidence: level of the intervals.
    """
    known = sorted(set().union(*(frame.index for frame in values.values())))
    sizes = interactions.loc[known]
    groups = quartile(sizes)
    frames = []
    for group in sorted(groups.unique()):
        users = groups.index[groups == group]
        part = {name: frame.loc[frame.index.isin(users)] for name, frame in values.items()}
        table = compare(part, order, control, confidence, resamples=0)[KEPT]
        table.insert(0, "group", group)
        table.insert(1, "fewest", int(sizes[users].min()))
        table.insert(2, "most", int(sizes[users].max()))
        frames.append(table)
    whole = pd.concat(frames, ignore_index=True)
    return whole.assign(p_holm=holm(whole["p"])).join(joint(whole, 1 - confidence))
