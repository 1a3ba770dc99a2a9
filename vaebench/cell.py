"""One cell of the grid: a plain specification and a split → the files of one trained model.

Files of a cell, all written whole, the same seven for every outcome:

- ``config.json``: the specification as resolved, every default filled in;
- ``trace.parquet``: one row an epoch: distortion, rate, ELBO at β = 1 (training, nats per example),
  β as used, validation metrics, seconds;
- ``best.safetensors``, ``last.safetensors``: the selected and the final weights;
- ``test.parquet``: one row a test user or picture: its metrics;
- ``summary.json``: means over the test examples, counts, the selection, times and versions;
- ``status.json``: ``{"status": "done" | "diverged", "reason": …}``.
"""

import math
import platform
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import torch
from pydantic import BaseModel, ConfigDict, Field
from safetensors.torch import save

import vaebench
from vaebench.components import create, find, options
from vaebench.data import Data, HeldOut
from vaebench.errors import ConfigError, Diverged
from vaebench.files import whole, write_json
from vaebench.metrics.elbo import elbo
from vaebench.metrics.ranking import NDCG_AT, ranking
from vaebench.models import VAE
from vaebench.provenance import commit
from vaebench.seeds import torch_stream
from vaebench.sparse import counts
from vaebench.strategies import Strategy
from vaebench.train import train

SELECTION = {"interactions": f"ndcg@{NDCG_AT}", "images": "elbo"}
"""The validation metric that selects the best epoch; higher is better."""

FILES = (
    "config.json",
    "trace.parquet",
    "best.safetensors",
    "last.safetensors",
    "test.parquet",
    "summary.json",
    "status.json",
)


class Training(BaseModel):
    """How a cell is trained; the same for every strategy of a block."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    epochs: Annotated[int, Field(ge=1)] = 200
    batch_size: Annotated[int, Field(ge=1)] = 500
    learning_rate: Annotated[float, Field(gt=0)] = 1e-3
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    validation_samples: Annotated[int, Field(ge=1)] = 1
    test_samples: Annotated[int, Field(ge=1)] = 10
    device: Literal["auto", "cpu", "cuda"] = "auto"


@dataclass
class Selection:
    """The best epoch so far, by a validation metric."""

    metric: str
    value: float = -math.inf
    row: dict[str, float] | None = None
    weights: dict[str, torch.Tensor] | None = None

    def offer(self, row: dict[str, float], model: VAE) -> None:
        """Keep the model if the row's validation metric is the highest yet; the first of ties."""
        value = row[f"validation_{self.metric}"]
        if value > self.value:
            self.value, self.row, self.weights = value, row, snapshot(model)


def resolve(spec: dict[str, Any]) -> dict[str, Any]:
    """The specification with every default filled in.

    ``spec`` has the keys study, dataset, model, strategy, seed and training; ``model`` and
    ``strategy`` are ``{"name": …, "class": …, **options}``.

    Raises:
        ConfigError: an option is unknown or impossible.
    """
    resolved = dict(spec)
    for role, home in (("model", "vaebench.models"), ("strategy", "vaebench.strategies")):
        given = dict(spec[role])
        name, path = given.pop("name"), given.pop("class")
        resolved[role] = {"name": name, "class": path, **options(find(home, path), given)}
    resolved["training"] = Training(**spec["training"]).model_dump()
    return resolved


def run(spec: dict[str, Any], data_folder: Path, out: Path) -> dict[str, Any]:
    """Train, select on validation, read the test part once, write the files.

    Args:
        spec: see :func:`resolve`.
        data_folder: the split.
        out: the folder of the cell.

    Returns:
        The summary.

    Raises:
        ConfigError: the specification is not usable.
        DataError: the split cannot be read or a file cannot be written.
    """
    started, started_at = time.perf_counter(), time.time()
    spec = resolve(spec)
    settings = Training(**spec["training"])
    device = choose_device(settings.device)
    data = Data(data_folder, device)
    names = (spec["dataset"], spec["model"]["name"], spec["seed"])
    examples = data.train()
    model = build(spec["model"], features(examples), names).to(device)
    strategy: Strategy = create("vaebench.strategies", unnamed(spec["strategy"])).to(device)
    optimizer = torch.optim.Adam(
        model.parameters(),
        settings.learning_rate,
        weight_decay=settings.weight_decay,
        fused=True,
    )
    validation = data.held_out("validation")
    selection = Selection(SELECTION[data.kind()])
    trace: list[dict[str, float]] = []

    def after_epoch(row: dict[str, float]) -> None:
        # the same ε at every epoch, so that epochs differ by their weights alone
        noise = torch_stream("validation", *names, device=device)
        values = evaluate(model, validation, noise, settings.validation_samples)
        for name, per_example in values.items():
            row[f"validation_{name}"] = float(np.nanmean(per_example))
        trace.append(row)
        selection.offer(row, model)

    status: dict[str, Any] = {"status": "done", "reason": None}
    first_batch: dict[str, float] = {}
    try:
        first_batch = train(
            model,
            strategy,
            optimizer,
            examples,
            epochs=settings.epochs,
            batch_size=settings.batch_size,
            order=torch_stream("batches", *names),
            noise=torch_stream("noise", *names, device=device),
            after_epoch=after_epoch,
        )
    except Diverged as error:
        status = {"status": "diverged", "reason": str(error)}
    last = snapshot(model)
    best = selection.weights or last
    test: dict[str, np.ndarray] = {}
    if status["status"] == "done":
        model.load_state_dict(best)
        noise = torch_stream("test", *names, device=device)
        part = data.held_out("test")
        test = evaluate(model, part, noise, settings.test_samples)
        sizes = counts(part.examples)
        if sizes is not None:
            test["interactions"] = sizes.double().cpu().numpy()
    summary = {
        "test": {name: mean(values) for name, values in test.items()},
        "test_examples": len(next(iter(test.values()))) if test else 0,
        "test_without_target": missing(test),
        "selected": selection.row,
        "last": trace[-1] if trace else None,
        "first_batch": first_batch,
        "started_at": started_at,
        "seconds": time.perf_counter() - started,
        "device": str(device) if device.type == "cpu" else torch.cuda.get_device_name(device),
        "gpu_peak_bytes": torch.cuda.max_memory_allocated() if device.type == "cuda" else None,
        "threads": torch.get_num_threads(),
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "versions": {
            "vaebench": vaebench.__version__,
            "torch": str(torch.__version__),
            "python": platform.python_version(),
        },
        "commit": commit(),
    }
    write_json(out / "config.json", spec)
    write_table(
        out / "trace.parquet", {key: [row[key] for row in trace] for key in (trace or [{}])[0]}
    )
    for name, weights in (("best", best), ("last", last)):
        with whole(out / f"{name}.safetensors") as path:
            path.write_bytes(save(weights))
    write_table(out / "test.parquet", test)
    write_json(out / "summary.json", summary)
    write_json(out / "status.json", status)
    return summary | status


def build(spec: dict[str, Any], inputs: int, names: tuple[object, ...]) -> VAE:
    """The model of ``spec`` with weights drawn from the stream of ``names``."""
    model: VAE = create("vaebench.models", unnamed(spec), inputs)
    model.initialise(torch_stream("weights", *names))
    return model


def evaluate(
    model: VAE, part: HeldOut, noise: torch.Generator, samples: int
) -> dict[str, np.ndarray]:
    """All metrics of a held-out part: name → one value per example, float64."""
    values = elbo(model, part.examples, noise, samples=samples)
    if part.fold_in is not None and part.held_out is not None:
        values = ranking(model, part.fold_in, part.held_out) | values
    return {name: value.cpu().numpy() for name, value in values.items()}


def choose_device(wanted: str) -> torch.device:
    """``auto`` is CUDA where there is one, else the CPU.

    Raises:
        ConfigError: CUDA is wanted and there is none.
    """
    available = torch.cuda.is_available()
    if wanted == "cuda" and not available:
        raise ConfigError("training.device: 'cuda' is not here; allowed on this machine: auto, cpu")
    return torch.device("cuda" if available and wanted != "cpu" else "cpu")


def features(examples: Any) -> int:  # noqa: ANN401 (a Batch)
    """Items or pixels of a batch."""
    return examples.shape[1] if isinstance(examples, torch.Tensor) else examples.columns


def unnamed(spec: dict[str, Any]) -> dict[str, Any]:
    """A component's specification without its name in the study."""
    return {key: value for key, value in spec.items() if key != "name"}


def snapshot(model: VAE) -> dict[str, torch.Tensor]:
    """A copy of the weights on the CPU."""
    return {name: value.detach().cpu().clone() for name, value in model.state_dict().items()}


def mean(values: np.ndarray) -> float | None:
    """The mean over the examples that have a value; None if none has."""
    return float(np.nanmean(values)) if np.isfinite(values).any() else None


def missing(test: dict[str, np.ndarray]) -> int:
    """Test users without held-out items, left out of the ranking means."""
    metric = SELECTION["interactions"]
    return int(np.isnan(test[metric]).sum()) if metric in test else 0


def write_table(path: Path, columns: dict[str, Any]) -> None:
    """Parquet, whole or not at all."""
    with whole(path) as temporary:
        pa.parquet.write_table(pa.table(columns), temporary)
