"""Across the models of a data set: is any strategy worth it beside another model or a baseline?"""

import math
from collections.abc import Collection, Mapping

import pandas as pd

from vaebench.cells.folder import NONE
from vaebench.statistics.contrasts import contrast
from vaebench.statistics.equivalence import margin_of
from vaebench.statistics.family import MORE, Values, corrected
from vaebench.statistics.layout import Layout, common_of, overall

COLUMNS = ["model", "strategy", "mean", "low", "high", "seeds", "failed", "examples"]
COLUMNS += ["difference", "difference_low", "difference_high", "joint_low", "joint_high", "pairs"]
COLUMNS += ["p", "p_crossed", "p_seeds", "p_holm", "margin", "reachable", "p_equivalence_holm"]
COLUMNS += ["reference", "test", "verdict", "note", "registered"]
ADDED = {*MORE, "verdict", "registered"}
"""Those of :func:`vaebench.statistics.family.corrected`."""


def between_models(
    families: Mapping[str, Values],
    fixed: Collection[str],
    order: list[str],
    control: str,
    confidence: float,
    margin: float | dict[str, float] = math.nan,
    metric: str = "",
    planned: Mapping[str, Mapping[str, int]] | None = None,
    registered: Collection[str] | None = None,
) -> pd.DataFrame:
    """Every strategy of the other models, and every baseline, against one model's control.

    The reference is the control in the first model that has it; its other strategies are left to
    their own family. Tests are those of :func:`contrast`; ``p_holm`` and the joint intervals are
    over all rows. A model that draws nothing has one seed, which stands for all seeds: its
    differences vary with the reference's.

    Args:
        families: model → its values on the same examples.
        fixed: the models that draw nothing.
        order: strategies in the order wanted.
        control: the strategy of the reference.
        confidence: level of the intervals and, less 1, of the verdicts.
        margin: see :func:`margin_of`.
        metric: the metric's name, for its margin.
        planned: model → strategy → its seeds, whatever became of them.
        registered: the baselines that were, see :func:`vaebench.statistics.family.corrected`.

    Returns:
        One row a (model, strategy), columns :data:`COLUMNS`; empty with fewer than two models.
    """
    present = {model: values for model, values in families.items() if values}
    reference = next((model for model, values in present.items() if control in values), None)
    rows: list[dict[str, object]] = []
    for model, values in present.items() if len(present) > 1 else ():
        for strategy in (name for name in order if name in values):
            if model == reference and strategy != control:
                continue
            block = values[strategy]
            common = common_of(block)
            layout = Layout.of(block.to_numpy(), fixed=model in fixed, common=common)
            low, high = layout.interval(confidence)
            row: dict[str, object] = {"model": model, "strategy": strategy, "mean": layout.mean}
            row |= {"low": low, "high": high, "seeds": layout.seeds}
            row["examples"] = round(layout.examples)
            wanted = (planned or {}).get(model, {}).get(strategy, 0)
            row["failed"] = max(0, wanted - layout.seeds)
            if reference is None:
                row["note"] = f"{control} has no results: no test"
            elif model == reference:
                row["note"] = "control"
            else:
                base = present[reference][control]
                if model in fixed:
                    block = pd.DataFrame(dict.fromkeys(base.columns, block.iloc[:, 0]))
                limit = margin_of(margin, metric, overall(base.to_numpy(), common))
                row |= contrast(block, base, confidence, limit)
            rows.append(row)
    needed = ["p_equivalence", "error", "freedom", "error_seeds"]
    table = pd.DataFrame(rows).reindex(columns=[*(c for c in COLUMNS if c not in ADDED), *needed])
    table[["note", "test"]] = table[["note", "test"]].astype(object)
    table["reference"] = reference
    known = None
    if registered is not None:
        known = table["model"].isin(registered) & (table["strategy"] == NONE)
    return corrected(table, 1 - confidence, known)[COLUMNS]
