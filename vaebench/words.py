"""Words fixed once: what the metrics are called in print, what is in nats, what is drawn."""

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
