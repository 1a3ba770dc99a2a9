"""Words fixed once: what names a cell, what the metrics are called in print, what is in nats.

No import here costs a cell time at its start.
"""

from pathlib import Path
from typing import Any

KEYS = ["dataset", "model", "strategy", "seed"]
"""What names a cell."""

NONE = "none"
"""What stands in a baseline's path where a VAE has its strategy."""

FILES = (
    "config.json",
    "trace.parquet",
    "best.safetensors",
    "last.safetensors",
    "test.parquet",
    "latents.parquet",
    "summary.json",
    "status.json",
)
"""What a cell writes; see :mod:`vaebench.cell`."""

METRICS = {
    "ndcg@100": "NDCG@100",
    "recall@20": "Recall@20",
    "recall@50": "Recall@50",
    "elbo": "ELBO",
    "distortion": "Distortion",
    "rate": "Rate",
}
"""Test metrics in the order of the tables, with their names in print; the last three in nats."""

NATS = ("elbo", "distortion", "rate")

RANKED = tuple(name for name in METRICS if name not in ("distortion", "rate"))
"""Metrics of which more is better; distortion and rate trade with each other."""

OF_USERS = tuple(name for name in METRICS if name not in NATS)
"""Metrics of ranking: shown by user activity too (nats grow with a user's interactions)."""

FIGURES = {
    "differences": "Difference to the control in each data set's primary metric on the test "
    "examples, with an interval over seeds and examples; those of a panel hold all at once.",
    "ranking": "Ranking quality on the test users: mean and interval over seeds and users.",
    "models": "Models and baselines in each data set's primary metric: mean and interval over "
    "seeds and test examples.",
    "elbo": "ELBO at β = 1 on the test examples, whatever β was used in training, of the epoch "
    "that validation selected (by NDCG@100 where there are users): mean and interval over seeds "
    "and examples.",
    "activity": "Ranking quality by user activity: difference to the control for each quartile of "
    "the users' interactions, with intervals over seeds and users that hold all at once; more than "
    "eight strategies as numbers, * where Holm's p over all of them is below .05.",
    "ranks": "Mean ranks over unrelated data sets (1 is best); bars join strategies that Nemenyi's "
    "test cannot tell apart.",
    "profiles": "Performance profiles: share of the runs above a score relative to the control.",
    "curves": "The validation metric that selects the model: median and range over seeds.",
    "beta": "β as used: mean of each epoch, band from the 5 % to the 95 % quantile of its values.",
    "rate_distortion": "Test distortion against test rate, one point a cell; grey: equal ELBO, "
    "in nats.",
}
"""The figures of a study, with their captions."""


def names(folder: Path) -> dict[str, Any]:
    """A cell's names from its folder ``…/dataset/model/strategy/seed-n``."""
    dataset, model, strategy, seed = folder.parts[-4:]
    return dict(zip(KEYS, (dataset, model, strategy, int(seed.removeprefix("seed-"))), strict=True))


def trial(folder: Path) -> str:
    """``trial-n`` of a cell of the tuning stage, ``…/tuning/trial-n/cells/…``; else empty."""
    *_, stage, number, _, _, _, _, _ = ("", "", *folder.parts)
    return number if stage == "tuning" and number.startswith("trial-") else ""
