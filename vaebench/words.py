"""Words fixed once: what names a cell, what the metrics are called in print, what is in nats.

No import here costs a cell time at its start.
"""

from pathlib import Path
from typing import Any

KEYS = ["dataset", "model", "strategy", "seed"]
"""What names a cell."""

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


def names(folder: Path) -> dict[str, Any]:
    """A cell's names from its folder ``…/dataset/model/strategy/seed-n``."""
    dataset, model, strategy, seed = folder.parts[-4:]
    return dict(zip(KEYS, (dataset, model, strategy, int(seed.removeprefix("seed-"))), strict=True))
