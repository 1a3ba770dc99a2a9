"""What a test leaves, of a VAE or of a baseline: metrics by name → files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vaebench.cells.files import seal, write_table
from vaebench.cells.metrics import Found, created
from vaebench.files import write_json
from vaebench.metrics import Metric
from vaebench.sparse import SparseRows, counts
from vaebench.training.data import Data, HeldOut

OF_SEALS = ("status", "reason", "files", "stamp")
"""Keys of ``training.json`` that ``status.json`` has for the whole cell."""

Components = Mapping[str, Mapping[str, Any]]
"""Name of a metric → ``{class: …, epoch: selected | last, **options}``."""


def popularity(data: Data) -> Tensor:
    """The number of training interactions of each item, (I,)."""
    train = data.train()
    assert isinstance(train, SparseRows)  # noqa: S101 (a metric of the catalogue wants interactions)
    return torch.bincount(train.indices, minlength=train.columns)


def interactions(part: HeldOut) -> dict[str, np.ndarray]:
    """|x_u| of every test user; nothing for pictures."""
    sizes = counts(part.examples)
    return {} if sizes is None else {"interactions": sizes.double().cpu().numpy()}


def epochs_of(metrics: Components) -> dict[str, str]:
    """Name → ``selected`` or ``last``: whose weights a metric looks at."""
    return {name: component.get("epoch", "selected") for name, component in metrics.items()}


def built(metrics: Components) -> dict[str, Metric]:
    """Name → metric.

    Raises:
        ConfigError: an unknown class or an impossible option.
    """
    return created(
        {name: {k: v for k, v in m.items() if k != "epoch"} for name, m in metrics.items()}
    )


def described(metrics: Components) -> dict[str, dict[str, Any]]:
    """What tables need to know of a metric: unit, what is better, one value of what, epoch."""
    epochs = epochs_of(metrics)
    return {
        name: {"unit": m.unit, "better": m.better, "per": m.per, "epoch": epochs[name]}
        for name, m in built(metrics).items()
    }


def write(
    out: Path,
    training: Mapping[str, Any],
    found: Found,
    about_metrics: Mapping[str, Any],
    *,
    sizes: Mapping[str, np.ndarray],
    latents: Mapping[str, np.ndarray],
    about: Mapping[str, Any],
    stamp: Any,  # noqa: ANN401 (JSON)
) -> dict[str, Any]:
    """The files of a test; ``status.json`` comes last. Returns summary and status."""
    columns = {**found.examples, **sizes}
    absent = [int(np.isnan(values).sum()) for values in columns.values()]
    measured_here = {*found.examples, *found.cells}
    summary = {
        "test": {name: mean(values) for name, values in columns.items()} | found.cells,
        "test_examples": len(next(iter(columns.values()))) if columns else 0,
        "test_without_target": max(absent, default=0),
        "metrics": {n: each for n, each in about_metrics.items() if n in measured_here},
        **{key: value for key, value in training.items() if key not in OF_SEALS},
        **about,
    }
    write_table(out / "test.parquet", columns)
    write_table(out / "latents.parquet", latents)
    write_json(out / "summary.json", summary)
    status = {"status": training["status"], "reason": training["reason"], "stamp": stamp}
    return summary | seal(out, "status.json", status)


def mean(values: np.ndarray) -> float | None:
    """The mean over the examples that have a value; None if none has."""
    return float(np.nanmean(values)) if np.isfinite(values).any() else None
