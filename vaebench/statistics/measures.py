"""What the statistics must know of a metric; nothing of how it is computed."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

import pandas as pd

from vaebench.captions import title as title_of
from vaebench.words import METRICS, NATS, RANKED


@dataclass(frozen=True)
class Measure:
    """One metric.

    Attributes:
        name: its key in the frames.
        title: in print.
        nats: its unit is nats; otherwise it has none.
        higher: True where more is better, False where less is, None where neither is.
        per: one value an example or one a cell; the latter has tests over seeds alone.
        epoch: whose weights it tests: the selected epoch's or the last's.
    """

    name: str
    title: str
    nats: bool = False
    higher: bool | None = True
    per: Literal["example", "cell"] = "example"
    epoch: Literal["selected", "last"] = "selected"

    @property
    def sign(self) -> int:
        """Of the direction that is better: 1 or −1; 0 where neither is."""
        return 0 if self.higher is None else 1 if self.higher else -1

    @property
    def of_users(self) -> bool:
        """Quality of ranking: shown by user activity too (nats grow with interactions)."""
        return not self.nats and self.per == "example"


Measures = Mapping[str, Measure]
"""Name → metric, in the order of the tables."""

MEASURES: Measures = {
    name: Measure(name, title, name in NATS, True if name in RANKED else None)
    for name, title in METRICS.items()
}
"""The metrics that every study has."""

LAST = ", last epoch"
"""What a metric of the final weights has after its name in print."""


def described(metrics: Mapping[str, Mapping[str, Any]]) -> Measures:
    """Of what cells say of their metrics (``summary.json``), in the order given."""
    found = {}
    for name, about in metrics.items():
        higher = {"higher": True, "lower": False}.get(str(about["better"]))
        title = title_of(name) + (LAST if about["epoch"] == "last" else "")
        nats = about["unit"] == "nats"
        found[name] = Measure(name, title, nats, higher, about["per"], about["epoch"])
    return found


def frame(measures: Measures) -> pd.DataFrame:
    """One row a metric, a column a field of :class:`Measure`."""
    rows = [vars(measure) for measure in measures.values()]
    return pd.DataFrame(rows, columns=[field.name for field in fields(Measure)])


def measures_of(table: pd.DataFrame) -> Measures:
    """The inverse of :func:`frame`, also of one that was written and read."""
    rows = table.astype(object).where(table.notna(), None).to_dict("records")
    return {row["name"]: Measure(**row) for row in rows}


SELECTS = ("ndcg@100", "elbo", "reconstruction")
"""What selects an epoch on validation, and is primary unless a study says otherwise: the first of
these that a data set has (NDCG of interactions, the ELBO of pictures, or the reconstruction where
no model has a bound)."""


def selecting(present: Collection[str]) -> str | None:
    """The metric that selects the epoch of a data set with the metrics ``present``."""
    return next((name for name in SELECTS if name in present), None)


RANKING = "ndcg@100"
"""The metric of ranking that is shown where the primary one is none."""


def ranking(results: pd.DataFrame, measures: Measures = MEASURES) -> dict[str, str]:
    """Data set → the metric of ranking that figures and tables of users show.

    It is the primary one, if that is one of ranking, else :data:`RANKING`, where it is there.

    Args:
        results: ``dataset, metric, primary``.
        measures: of these metrics.
    """
    found: dict[str, str] = {}
    for dataset, rows in results.groupby("dataset", sort=False) if len(results) else ():
        chosen = [*rows.loc[rows["primary"].astype(bool), "metric"], RANKING]
        shown = [name for name in chosen if name in measures and measures[name].of_users]
        present = [name for name in shown if name in set(rows["metric"])]
        found |= {str(dataset): str(name) for name in present[:1]}
    return found


def primary(
    present: Collection[str], declared: str | None = None, measures: Measures = MEASURES
) -> str:
    """The one metric that verdict sentences are about; all others are secondary.

    Args:
        present: metrics of the data set, at least one.
        declared: by the study; it counts where the data set has it.
        measures: see :data:`Measures`.
    """
    if declared in present:
        return str(declared)
    return selecting(present) or next(name for name in measures if name in present)
