"""Which validation metric selects the epoch of a cell, and judges a trial."""

from collections.abc import Mapping
from typing import Any

from vaebench.components import find, unnamed
from vaebench.errors import ConfigError

SELECTING: dict[str, tuple[str, dict[str, Any]]] = {
    "interactions": ("ndcg@100", {"class": "ndcg.NDCG", "k": 100}),
    "images": ("elbo", {"class": "elbo.ELBO"}),
}
"""Kind of data → the metric where a cell's ``select`` names none; higher is better."""


def selecting(spec: Mapping[str, Any], kind: str) -> tuple[str, dict[str, Any]]:
    """Name and component of the metric that selects the epoch.

    Args:
        spec: of a cell; ``select`` is ``{"name": …, "class": …, **options}``, if it is there.
        kind: of the data.

    Raises:
        ConfigError: it is not a metric of examples of which more is better.
    """
    if "select" not in spec:
        return SELECTING[kind]
    name, component = spec["select"]["name"], unnamed(spec["select"])
    metric = find("vaebench.metrics", component["class"])
    if metric.per != "example" or metric.better != "higher" or metric.data_kind not in {None, kind}:
        raise ConfigError(
            f"training.select: {name!r} cannot select an epoch of {kind}; allowed: a metric of "
            "test examples of which more is better"
        )
    return name, component
