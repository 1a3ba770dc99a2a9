"""What training leaves of a cell: weights and trace → files."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vaebench.cells.files import seal, write_table, write_weights
from vaebench.files import write_json
from vaebench.machine import provenance
from vaebench.machine.usage import usage


@dataclass
class Fitted:
    """What training found: weights on the CPU; ``selected`` is a row of the trace.

    ``ended`` says why it ended, a word of :data:`vaebench.cells.ending.ENDS`;
    without a result that is the status.
    """

    status: str = "done"
    reason: str | None = None
    trace: list[dict[str, float]] = field(default_factory=list)
    first_batch: dict[str, float] = field(default_factory=dict)
    best: dict[str, torch.Tensor] = field(default_factory=dict)
    last: dict[str, torch.Tensor] = field(default_factory=dict)
    selected: dict[str, float] | None = None
    resumed: bool = False
    ended: str | None = None


def write(
    out: Path, spec: Mapping[str, Any], fitted: Fitted, about: Mapping[str, Any]
) -> dict[str, Any]:
    """The files of a trained cell; ``training.json`` comes last. Returns its content."""
    trace = fitted.trace
    betas = [row["beta"] for row in trace]
    write_json(out / "config.json", spec)
    write_table(
        out / "trace.parquet", {key: [row[key] for row in trace] for key in (trace or [{}])[0]}
    )
    write_weights(out / "best.safetensors", fitted.best)
    write_weights(out / "last.safetensors", fitted.last)
    training = {
        "status": fitted.status,
        "reason": fitted.reason,
        "until": len(trace),
        "ended": fitted.ended or fitted.status,
        "selected": fitted.selected,
        "last": trace[-1] if trace else None,
        "beta": {
            "selected": fitted.selected["beta"] if fitted.selected else None,
            "last": betas[-1] if betas else None,
            "mean": float(np.mean(betas)) if betas else None,
        },
        "first_batch": fitted.first_batch,
        "parameters": 0,
        **({"started_at": time.time(), "seconds": 0.0, "device": None} | dict(about)),
        **usage(),
        **provenance.here(torch.get_num_threads()),
        "config_sha256": provenance.config_hash(spec),
    }
    return seal(out, "training.json", training)
