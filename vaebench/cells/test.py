"""The test of one cell: weights that training left and the test part of the split → values.

- ``test.parquet``: one row a test user or picture: its metrics;
- ``latents.parquet``: one row a latent: rate, variance of its mean, collapse over thresholds;
- ``summary.json``: what training said, and means over the test examples, metrics of the whole cell,
  counts;
- ``status.json``: status and reason, and the digests of all other files.

Nothing is trained: a further metric costs seconds a cell.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from vaebench.cells.built import build, features, streams_of
from vaebench.cells.metrics import Found, bounded, finite, likely, logits, ranked, represented
from vaebench.cells.out_of_memory import STATUS, within_memory
from vaebench.cells.tested import (
    Components,
    built,
    described,
    epochs_of,
    interactions,
    popularity,
    write,
)
from vaebench.errors import DataError, Diverged
from vaebench.files import read_json
from vaebench.metrics import Metric
from vaebench.metrics.bound import elbo
from vaebench.metrics.latents import (
    ACTIVE,
    COLLAPSED_RATE,
    COLLAPSED_SHARE,
    latents,
    mutual_information,
)
from vaebench.models import VAE
from vaebench.seal import check, sealed
from vaebench.seeds import torch_stream
from vaebench.training.data import Data, HeldOut

WEIGHTS = {"selected": "best.safetensors", "last": "last.safetensors"}
"""Epoch → the file of its weights."""


def run(
    out: Path,
    data_folder: Path,
    metrics: Components,
    *,
    samples: int = 10,
    stamp: Any = None,  # noqa: ANN401 (JSON)
) -> dict[str, Any]:
    """Measure the test part with the weights of the cell in ``out`` and write the files.

    Args:
        out: the folder of a trained cell.
        data_folder: its split.
        metrics: what to measure.
        samples: of z per example, for the bound.
        stamp: what the values depend on beside the training, kept in ``status.json``.

    Returns:
        Summary and status.

    Raises:
        ConfigError: a metric's option is not usable.
        DataError: a file cannot be read or written, or is not the one that training left.
    """
    return within_memory(
        lambda: _run(out, data_folder, metrics, samples, stamp),
        lambda reason: _without_memory(out, reason, stamp),
    )


def _run(
    out: Path,
    data_folder: Path,
    metrics: Components,
    samples: int,
    stamp: Any,  # noqa: ANN401 (JSON)
) -> dict[str, Any]:
    """See :func:`run`."""
    started, started_at = time.perf_counter(), time.time()
    training = read_json(out / "training.json")
    check(out, sealed(out / "training.json"))
    tested = Tested(Found({}, {}))
    if training["status"] == "done":
        try:
            tested = values(out, read_json(out / "config.json"), data_folder, metrics, samples)
        except Diverged as error:
            training |= {"status": "diverged", "reason": str(error)}
    return write(
        out,
        training,
        tested.found,
        described(metrics),
        sizes=tested.sizes,
        latents=tested.latents,
        about={
            "latents": tested.diagnostics,
            "test_started_at": started_at,
            "test_seconds": time.perf_counter() - started,
        },
        stamp=stamp,
    )


@dataclass
class Tested:
    """What the test part says of a cell: see the files of this module."""

    found: Found
    sizes: dict[str, np.ndarray] = field(default_factory=dict)
    latents: dict[str, np.ndarray] = field(default_factory=dict)
    diagnostics: dict[str, float] = field(default_factory=dict)


def values(
    out: Path, spec: Mapping[str, Any], data_folder: Path, metrics: Components, samples: int
) -> Tested:
    """All values of the test part from the weights in ``out``; nothing is written.

    Args:
        out: the folder of a trained cell.
        spec: its resolved specification.
        data_folder: its split.
        metrics: what to measure.
        samples: of z per example, for the bound.

    Raises:
        DataError: a file cannot be read, or the weights do not fit the model.
        Diverged: a value is not finite.
    """
    components, epochs = built(metrics), epochs_of(metrics)
    data, noise = Data(data_folder, torch.device("cpu")), streams_of(spec)["noise"]
    whole = data.held_out("test")
    tested = Tested(Found({}, {}), interactions(whole))
    for epoch in dict.fromkeys(("selected", *epochs.values())):
        model = build(spec["model"], features(whole.examples), ("read",))
        part = whole if model.classes is None else data.held_out("test", model.classes)
        try:
            model.load_state_dict(load_file(out / WEIGHTS[epoch]))
        except (SafetensorError, RuntimeError) as error:
            words = " ".join(str(error).split())[:200]
            raise DataError(f"{out / WEIGHTS[epoch]}: does not fit the model: {words}") from error
        wanted = {n: metric for n, metric in components.items() if epochs[n] == epoch}
        each = measured(model, part, wanted, noise, samples, partial(popularity, data))
        old = tested.found
        tested.found = Found(old.examples | each.examples, old.cells | each.cells)
        if epoch == "selected":
            tested.latents, tested.diagnostics = of_latents(model, part, noise)
    finite(tested.found, components, "test")
    finite(Found(tested.latents, tested.diagnostics), {}, "test of the latents")
    return tested


def measured(
    model: VAE,
    part: HeldOut,
    metrics: Mapping[str, Metric],
    names: tuple[object, ...],
    samples: int,
    shown: Any,  # noqa: ANN401 (see ranked)
) -> Found:
    """All ``metrics`` of a model on a part; the same ε for every metric of the bound."""
    device = next(model.parameters()).device

    def stream() -> torch.Generator:
        return torch_stream("test", *names, device=device)

    found = ranked(metrics, logits(model), part, shown)
    values = elbo(model, part.examples, stream(), samples=samples)
    of_model = likely(metrics, model, part, stream)
    of_codes = represented(metrics, model, part, lambda: torch_stream("test", *names))
    return Found(found.examples | bounded(metrics, values) | of_model, found.cells | of_codes)


def of_latents(
    model: VAE, part: HeldOut, names: tuple[object, ...]
) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """What the latents carry, a value a latent; and of all together."""
    if not model.has_rate:
        return {}, {}
    noise = torch_stream("latents", *names, device=next(model.parameters()).device)
    found = latents(model, part.examples, noise)
    collapsed = found[f"below_{COLLAPSED_RATE:g}"] >= COLLAPSED_SHARE
    return {name: values.cpu().numpy() for name, values in found.items()}, {
        "active_units": int((found["mean_variance"] > ACTIVE).sum()),
        "collapsed": int(collapsed.sum()),
        **mutual_information(model, part.examples, noise),
    }


def _without_memory(out: Path, reason: str, stamp: Any) -> dict[str, Any]:  # noqa: ANN401
    """The files of a test that needs more memory than there is."""
    training = read_json(out / "training.json") | {"status": STATUS, "reason": reason}
    nothing = Found({}, {})
    about: dict[str, Any] = {"latents": {}}
    return write(out, training, nothing, {}, sizes={}, latents={}, about=about, stamp=stamp)
