"""Words fixed once: what the metrics are called in print, what is in nats, what is drawn."""

import re

STREAMS = ("weights", "batches", "noise")
"""The random streams of a cell: initial weights; the order of batches; dropout and ε."""

FIXED = "fixed"
"""What a stream is seeded by that a study does not vary."""

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


def of_replicates(text: str) -> str:
    """What a study of seeds says, said of replicates: they stand in the seeds' place.

    Their test is called two-way: users are crossed with replicates only where a split is fixed.
    """
    text = re.sub(r"\b([Ss])eed(s?)\b(?!-\d)", _replicate, text.replace(HERE, ""))
    return text.replace("Crossed", "Two-way").replace("crossed", "two-way")


HERE = ", for these test examples"
"""Said of a t on seed means; replicates have test examples of their own."""


def _replicate(found: re.Match[str]) -> str:
    return f"{'R' if found[1] == 'S' else 'r'}eplicate{found[2]}"
