"""One cell of the grid: a plain specification and a split → the files of one trained model.

Files of a cell, all written whole, the same eight for every outcome:

- ``config.json``: the specification as resolved, every default filled in;
- ``trace.parquet``: one row an epoch: distortion, rate, ELBO at β = 1 (training, nats per example),
  β as used, what a strategy with a target reached, validation metrics, seconds;
- ``best.safetensors``, ``last.safetensors``: the selected and the final weights;
- ``test.parquet``: one row a test user or picture: its metrics;
- ``latents.parquet``: one row a latent: rate, variance of its mean, collapse over thresholds;
- ``summary.json``: means over the test examples, counts, the selection, times and versions;
- ``status.json``: ``{"status": "done" | "diverged" | "blocked" | "out of memory", "reason": …}``.

While it trains, a ``checkpoint.pt`` lies beside them, from which an interrupted cell goes on.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import torch
from pydantic import BaseModel, ConfigDict, Field
from safetensors.torch import save

from vaebench import checkpoint, provenance
from vaebench.adam import Adam
from vaebench.components import create, find, options
from vaebench.data import Data, HeldOut
from vaebench.errors import ConfigError, Diverged
from vaebench.estimators import Estimator, Kind, Samples
from vaebench.files import read_json, whole, write_json
from vaebench.memory import free_bytes, keep_freed_blocks
from vaebench.metrics.elbo import elbo
from vaebench.metrics.latents import (
    ACTIVE,
    COLLAPSED_RATE,
    COLLAPSED_SHARE,
    latents,
    mutual_information,
)
from vaebench.metrics.ranking import NDCG_AT, ranking
from vaebench.models import VAE
from vaebench.recorded import CUDAGraphs
from vaebench.rules import Rule
from vaebench.seeds import torch_stream
from vaebench.sparse import counts
from vaebench.stages import settled
from vaebench.strategies import Strategy
from vaebench.train import Progress, train
from vaebench.tuning.choice import chosen
from vaebench.words import FILES  # noqa: F401 (the same for baselines)

SELECTION = {"interactions": f"ndcg@{NDCG_AT}", "images": "elbo"}
"""The validation metric that selects the best epoch; higher is better."""


Stream = Literal["weights", "batches", "noise"]
"""Initial weights; the order of batches; dropout, ε of training and of evaluation."""


class Training(BaseModel):
    """How a cell is trained; the same for every strategy of a block.

    ``estimator`` is that of the bound, with ``samples`` of z per example. ``rule`` is the update
    order, by default the model's own. ``precision`` is that of products: ``tf32`` for all on a
    GPU that has it, ``bfloat16`` for the product over items while training. ``vary`` names the
    random streams that the seed moves; another is the same in all cells that leave it out, so that
    a study can vary one source of variance at a time (:mod:`vaebench.statistics.variance`).
    ``cuda_graph`` lets a GPU replay recorded updates (:mod:`vaebench.recorded`).
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    epochs: Annotated[int, Field(ge=1)] = 200
    batch_size: Annotated[int, Field(ge=1)] = 500
    learning_rate: Annotated[float, Field(gt=0)] = 1e-3
    learning_rate_cycles: Annotated[int, Field(ge=1)] | None = None
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    rule: dict[str, Any] | None = None
    estimator: Kind = "sgvb_b"
    samples: Samples = 1
    precision: Literal["float32", "tf32", "bfloat16"] = "float32"
    validation_samples: Annotated[int, Field(ge=1)] = 1
    test_samples: Annotated[int, Field(ge=1)] = 10
    vary: list[Stream] = ["weights", "batches", "noise"]
    checkpoint_minutes: Annotated[float, Field(gt=0)] = 5.0
    device: Literal["auto", "cpu", "cuda"] = "auto"
    cuda_graph: bool = True


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
    training = Training(**spec["training"]).model_dump()
    own: type[VAE] = find("vaebench.models", spec["model"]["class"])
    rule = dict(training["rule"] or own.rule)
    path = rule.pop("class", None)
    if not isinstance(path, str):
        raise ConfigError("training.rule.class: missing; allowed: file.Class")
    training["rule"] = {"class": path, **options(find("vaebench.rules", path), rule)}
    return resolved | {"training": training}


def found_elsewhere(
    spec: dict[str, Any], stages: Mapping[str, Path], choice: Path | None
) -> dict[str, Any]:
    """``spec`` with the options that a tuning stage and first-stage cells have found.

    Raises:
        Diverged: they found none.
    """
    betas = {name: read_json(path / "summary.json")["beta"] for name, path in stages.items()}
    spec = chosen(spec, choice)
    return spec | {"strategy": settled(spec["strategy"], betas)}


def run(
    spec: dict[str, Any],
    data_folder: Path,
    out: Path,
    *,
    inputs: Sequence[Path] = (),
    stages: Mapping[str, Path] = {},
    choice: Path | None = None,
    tested: bool = True,
) -> dict[str, Any]:
    """Train, select on validation, read the test part once, write the files.

    Args:
        spec: see :func:`resolve`.
        data_folder: the split.
        out: the folder of the cell; a checkpoint in it is gone on from.
        inputs: the files of code and data that the cell stands on; with others, it starts over.
        stages: strategy → folder of the cell that finds one of this strategy's options.
        choice: the options that a tuning stage chose.
        tested: False leaves the test part closed, for a trial of the tuning stage.

    Returns:
        The summary.

    Raises:
        ConfigError: the specification is not usable.
        DataError: the split cannot be read or a file cannot be written.
        Interrupted: the job was told to stop; the next run goes on.
    """
    started, started_at = time.perf_counter(), time.time()
    try:
        spec = resolve(found_elsewhere(spec, stages, choice))
    except Diverged as error:
        return write(out, Outcome(spec, {"status": "blocked", "reason": str(error)}), {})
    settings = Training(**spec["training"])
    device = choose_device(settings.device)
    keep_freed_blocks()
    torch.set_float32_matmul_precision("high" if settings.precision == "tf32" else "highest")
    data = Data(data_folder, device)
    names = (spec["dataset"], spec["model"]["name"], spec["seed"])
    drawn = {name: names if name in settings.vary else ("fixed",) for name in get_args(Stream)}
    examples = data.train()
    model = build(spec["model"], features(examples), drawn["weights"]).to(device)
    model.narrow(bfloat16=settings.precision == "bfloat16")
    strategy: Strategy = create("vaebench.strategies", unnamed(spec["strategy"])).to(device)
    rule: Rule = create("vaebench.rules", spec["training"]["rule"]).to(device)
    optimizer = adam(model, settings)
    streams = {
        "order": torch_stream("batches", *drawn["batches"]),
        "noise": torch_stream("noise", *drawn["noise"], device=device),
    }
    validation = data.held_out("validation")
    metric = f"validation_{SELECTION[data.kind()]}"
    trace: list[dict[str, float]] = []
    best: dict[str, Any] = {}

    def after_epoch(row: dict[str, float]) -> float:
        # the same ε at every epoch, so that epochs differ by their weights alone
        noise = torch_stream("validation", *drawn["noise"], device=device)
        values = evaluate(model, validation, noise, settings.validation_samples)
        for name, per_example in values.items():
            row[f"validation_{name}"] = float(np.nanmean(per_example))
        trace.append(row)
        if not best or row[metric] > best["row"][metric]:  # the first of ties
            best.update(row=row, weights=snapshot(model))
        return row[metric]

    progress = Progress()
    training = checkpoint.Training(
        {"model": model, "strategy": strategy, "rule": rule, "optimizer": optimizer},
        streams,
        progress,
        {"trace": trace, "best": best},
    )
    file, stamp = out / checkpoint.NAME, provenance.stamp(spec, inputs)
    kept = checkpoint.load(file, stamp)
    if kept is not None:
        training.restore(kept)
    outcome = Outcome(spec, {"status": "done", "reason": None}, model, trace)
    try:
        with checkpoint.Keeper(
            60 * settings.checkpoint_minutes,
            lambda: checkpoint.save(file, stamp, training.state()),
        ) as keeper:
            outcome.first_batch = train(
                model,
                strategy,
                optimizer,
                examples,
                epochs=settings.epochs,
                batch_size=settings.batch_size,
                **streams,
                after_epoch=after_epoch,
                rule=rule,
                estimator=fitting_estimator(settings, model, examples),
                learning_rate_cycles=settings.learning_rate_cycles,
                progress=progress,
                after_update=keeper,
                recorder=CUDAGraphs() if settings.cuda_graph and device.type == "cuda" else None,
            )
    except Diverged as error:
        outcome.status = {"status": "diverged", "reason": str(error)}
    outcome.last = snapshot(model)
    outcome.best, outcome.selected = best.get("weights", outcome.last), best.get("row")
    if outcome.status["status"] == "done" and tested:
        model.load_state_dict(outcome.best)
        measure(outcome, data.held_out("test"), drawn["noise"], settings.test_samples)
    about = {
        "target": asdict(aim) if (aim := strategy.aim()) else None,
        "started_at": started_at,
        "seconds": time.perf_counter() - started,
        "resumed": kept is not None,
        "data": provenance.data(data_folder),
        "device": str(device) if device.type == "cpu" else torch.cuda.get_device_name(device),
        "gpu_peak_bytes": torch.cuda.max_memory_allocated() if device.type == "cuda" else None,
    }
    result = write(out, outcome, about)
    file.unlink(missing_ok=True)
    return result


@dataclass
class Outcome:
    """What a cell found; ``best`` and ``last`` are weights on the CPU, ``selected`` a trace row."""

    spec: dict[str, Any]
    status: dict[str, Any]
    model: VAE | None = None
    trace: list[dict[str, float]] = field(default_factory=list)
    first_batch: dict[str, float] = field(default_factory=dict)
    best: dict[str, torch.Tensor] = field(default_factory=dict)
    last: dict[str, torch.Tensor] = field(default_factory=dict)
    selected: dict[str, float] | None = None
    test: dict[str, np.ndarray] = field(default_factory=dict)
    latents: dict[str, np.ndarray] = field(default_factory=dict)
    diagnostics: dict[str, float] = field(default_factory=dict)


def measure(outcome: Outcome, part: HeldOut, names: tuple[object, ...], samples: int) -> None:
    """The test metrics and the latents' diagnostics of the selected model."""
    model = outcome.model
    assert model is not None  # noqa: S101 (a finished cell has one)
    device = next(model.parameters()).device
    outcome.test = evaluate(model, part, torch_stream("test", *names, device=device), samples)
    sizes = counts(part.examples)
    if sizes is not None:
        outcome.test["interactions"] = sizes.double().cpu().numpy()
    if not model.has_rate:
        return
    noise = torch_stream("latents", *names, device=device)
    found = latents(model, part.examples, noise)
    outcome.latents = {name: values.cpu().numpy() for name, values in found.items()}
    collapsed = found[f"below_{COLLAPSED_RATE:g}"] >= COLLAPSED_SHARE
    outcome.diagnostics = {
        "active_units": int((found["mean_variance"] > ACTIVE).sum()),
        "collapsed": int(collapsed.sum()),
        **mutual_information(model, part.examples, noise),
    }


def write(out: Path, outcome: Outcome, about: dict[str, Any]) -> dict[str, Any]:
    """The files of a cell; ``status.json`` comes last. Returns summary and status."""
    trace, test = outcome.trace, outcome.test
    betas = [row["beta"] for row in trace]
    summary = {
        "test": {name: mean(values) for name, values in test.items()},
        "test_examples": len(next(iter(test.values()))) if test else 0,
        "test_without_target": missing(test),
        "selected": outcome.selected,
        "last": trace[-1] if trace else None,
        "beta": {
            "selected": outcome.selected["beta"] if outcome.selected else None,
            "last": betas[-1] if betas else None,
            "mean": float(np.mean(betas)) if betas else None,
        },
        "latents": outcome.diagnostics,
        "first_batch": outcome.first_batch,
        "parameters": sum(p.numel() for p in outcome.model.parameters()) if outcome.model else 0,
        **({"started_at": time.time(), "seconds": 0.0, "device": None} | about),
        "threads": torch.get_num_threads(),
        "versions": provenance.versions() | {"torch": str(torch.__version__)},
        "commit": provenance.commit(),
        "machine": provenance.machine(),
        "config_sha256": provenance.config_hash(outcome.spec),
    }
    write_json(out / "config.json", outcome.spec)
    write_table(
        out / "trace.parquet", {key: [row[key] for row in trace] for key in (trace or [{}])[0]}
    )
    for name, weights in (("best", outcome.best), ("last", outcome.last)):
        with whole(out / f"{name}.safetensors") as path:
            path.write_bytes(save(weights))
    write_table(out / "test.parquet", test)
    write_table(out / "latents.parquet", outcome.latents)
    write_json(out / "summary.json", summary)
    write_json(out / "status.json", outcome.status)
    return summary | outcome.status


def adam(model: VAE, settings: Training) -> Adam:
    """Adam; weight decay is on weight matrices alone, not on biases.

    On a GPU the learning rate is a tensor there, so that recorded updates can read it.
    """
    weights = [p for p in model.parameters() if p.dim() > 1]
    biases = [p for p in model.parameters() if p.dim() <= 1]
    groups: list[dict[str, Any]] = [
        {"params": weights, "weight_decay": settings.weight_decay},
        {"params": biases},
    ]
    device = next(model.parameters()).device
    if device.type != "cuda":
        return Adam(groups, settings.learning_rate, fused=True)
    rate = torch.tensor(settings.learning_rate, device=device)
    return Adam(groups, rate, fused=True, capturable=True)


def build(spec: dict[str, Any], inputs: int, names: tuple[object, ...]) -> VAE:
    """The model of ``spec`` with weights drawn from the stream of ``names``."""
    model: VAE = create("vaebench.models", unnamed(spec), inputs)
    model.initialise(torch_stream("weights", *names))
    return model


def fitting_estimator(settings: Training, model: VAE, examples: Any) -> Estimator:  # noqa: ANN401
    """The estimator; refuses what likelihood or memory cannot hold, before the first update.

    Raises:
        ConfigError: more samples than the free memory holds.
        DataError: values outside the likelihood's support.
    """
    device = next(model.parameters()).device
    estimator = Estimator(settings.estimator, settings.samples)
    size = min(settings.batch_size, len(examples))
    estimator.check_memory(size, features(examples), free_bytes(device))
    if isinstance(examples, torch.Tensor):
        with torch.no_grad():
            model.decode(torch.zeros(1, model.latents, device=device)).check(examples)
    return estimator


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
    table = pa.table({name: column(values) for name, values in columns.items()})
    with whole(path) as temporary:
        pa.parquet.write_table(table, temporary)


def column(values: Any) -> pa.Array:  # noqa: ANN401 (a list or an array)
    """Numbers as an Arrow array; ``pa.array`` would load pandas to ask whether it is one of its."""
    numbers = np.ascontiguousarray(values)
    if numbers.dtype.kind not in "if":
        return pa.array(values)
    kind = pa.from_numpy_dtype(numbers.dtype)
    return pa.Array.from_buffers(kind, len(numbers), [None, pa.py_buffer(numbers)])
