"""Users by activity: is a strategy better for those with few interactions or with many?"""

from collections.abc import Iterator

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
    values: Values,
    interactions: pd.Series | pd.DataFrame,
    order: list[str],
    control: str,
    confidence: float,
) -> pd.DataFrame:
    """The family once more, in each quartile of users.

    Columns ``group`` (1 … 4), ``fewest, most`` (|x_u| of the group), those of :data:`KEPT`, and
    ``p_holm`` and ``joint_low, joint_high`` over all strategies and all groups of this family: four
    groups are four looks.

    Args:
        values: see :data:`vaebench.statistics.family.Values`.
        interactions: |x_u| by the labels of the examples; a column a replicate that has examples
            of its own, else a single one.
        order: strategies in the order wanted.
        control: the strategy that the others are compared with.
        confidence: level of the intervals.
    """
    frames = []
    for group, sizes, part in grouped(values, interactions):
        table = compare(part, order, control, confidence, resamples=0)[KEPT]
        table.insert(0, "group", group)
        table.insert(1, "fewest", int(sizes.min()))
        table.insert(2, "most", int(sizes.max()))
        frames.append(table)
    whole = pd.concat(frames, ignore_index=True)
    return whole.assign(p_holm=holm(whole["p"])).join(joint(whole, 1 - confidence))


def grouped(
    values: Values, interactions: pd.Series | pd.DataFrame
) -> Iterator[tuple[int, pd.Series, Values]]:
    """The quartiles of users: number, |x_u| of its users, and the values of these users.

    Of replicates with test parts of their own, the users of all replicates are grouped together;
    in each group's values the others are NaN.
    """
    if isinstance(interactions, pd.Series):
        known = sorted(set().union(*(frame.index for frame in values.values())))
        sizes = interactions.loc[known]
        groups = quartile(sizes)
        for group in sorted(groups.unique()):
            users = groups.index[groups == group]
            part = {name: frame.loc[frame.index.isin(users)] for name, frame in values.items()}
            yield group, sizes[users], part
        return
    seen = np.zeros(interactions.shape, bool)
    for frame in values.values():
        seen |= frame.reindex_like(interactions).notna().to_numpy()
    sizes = pd.Series(interactions.to_numpy()[seen])
    numbers = np.zeros(interactions.shape, int)
    numbers[seen] = quartile(sizes)
    for group in sorted(set(numbers[seen].tolist())):
        inside = pd.DataFrame(numbers == group, interactions.index, interactions.columns)
        part = {
            name: frame.where(inside.loc[frame.index, frame.columns])
            for name, frame in values.items()
        }
        yield group, sizes[numbers[seen] == group], part
