"""Training of one cell: a plain specification and a split → the files of one trained VAE.

Three steps: :func:`prepare` builds everything that training depends on, :func:`fit` trains and
selects the epoch on validation, :func:`write` leaves the files, each whole:

- ``config.json``: the specification as resolved, every default filled in;
- ``trace.parquet``: one row an epoch: distortion, rate, ELBO at β = 1 (training, nats per example),
  β as used, what a strategy with a target reached, validation ELBO and selecting metric, seconds;
- ``best.safetensors``, ``last.safetensors``: the selected and the final weights;
- ``training.json``: status, selection, epochs trained and why no more, times, versions, and the
  digests of the other four.

The test part is not read here: see :mod:`vaebench.cells.test`. While a cell trains, a
``checkpoint.pt`` lies beside them, from which an interrupted one goes on.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vaebench.cells.built import build, features, streams_of
from vaebench.cells.ending import Ending
from vaebench.cells.found import found_elsewhere
from vaebench.cells.metrics import Found, bounded, created, finite, logits, ranked
from vaebench.cells.out_of_memory import STATUS, within_memory
from vaebench.cells.rung import Rung, mark_of
from vaebench.cells.selection import selecting
from vaebench.cells.trained import Fitted, write
from vaebench.components import create, find, options, unnamed
from vaebench.errors import ConfigError, DataError, Diverged
from vaebench.machine import provenance
from vaebench.machine.memory import free_bytes, keep_freed_blocks
from vaebench.machine.precision import require
from vaebench.metrics import Metric
from vaebench.metrics.bound import elbo
from vaebench.models import VAE
from vaebench.seeds import torch_stream
from vaebench.sparse import Batch, Labelled, contents
from vaebench.strategies import Strategy
from vaebench.training import checkpoint
from vaebench.training.adam import Adam
from vaebench.training.cuda_graphs import CUDAGraphs, Recorded
from vaebench.training.data import Data, HeldOut
from vaebench.training.estimators import Estimator
from vaebench.training.learning_rate import moves_until
from vaebench.training.loop import Budget, Learner, Progress, Streams, train
from vaebench.training.orders import UpdateOrder
from vaebench.training.patience import still_from
from vaebench.training.settings import OF_TESTING, Training

Watch = Callable[[Sequence[dict[str, float]]], None]
"""Is shown the trace so far, when training begins and after each epoch."""

log = logging.getLogger(__name__)


def unwatched(_: object) -> Any:  # noqa: ANN401 (whatever is shown)
    """Nobody looks on."""
    return unwatched


def resolve(spec: dict[str, Any]) -> dict[str, Any]:
    """The specification with every default filled in.

    ``spec`` has the keys study, dataset, model, strategy, seed and training; ``model`` and
    ``strategy`` are ``{"name": …, "class": …, **options}``; ``select``, where it is there, is such
    a metric.

    Raises:
        ConfigError: an option is unknown or impossible.
    """
    resolved = dict(spec)
    homes = {"model": "vaebench.models", "strategy": "vaebench.strategies"}
    homes |= {"select": "vaebench.metrics"} if "select" in spec else {}
    for role, home in homes.items():
        given = dict(spec[role])
        name, path = given.pop("name"), given.pop("class")
        resolved[role] = {"name": name, "class": path, **options(find(home, path), given)}
    training = Training(**spec["training"]).model_dump(exclude=OF_TESTING)
    own: type[VAE] = find("vaebench.models", spec["model"]["class"])
    order = dict(training["update_order"] or own.update_order)
    path = order.pop("class", None)
    if not isinstance(path, str):
        raise ConfigError("training.update_order.class: missing; allowed: file.Class")
    training["update_order"] = {
        "class": path,
        **options(find("vaebench.training.orders", path), order),
    }
    return resolved | {"training": training}


@dataclass
class Prepared:
    """Everything that the training of a cell depends on, as live objects."""

    spec: dict[str, Any]
    settings: Training
    examples: Batch
    validation: HeldOut
    learner: Learner
    streams: Streams
    selecting: str
    metrics: dict[str, Metric]
    noise: tuple[object, ...]

    @property
    def device(self) -> torch.device:
        """The device of training."""
        return next(self.learner.model.parameters()).device

    def moves_until(self, budget: Budget) -> float:
        """The share of training until which β or the learning rate moves by schedule."""
        total = budget.updates(len(self.examples), self.learner.update_order.passes)
        moves = self.learner.strategy.moves_until(total)
        return max(moves, moves_until(self.settings.learning_rate_cycles))

    def validate(self) -> dict[str, float]:
        """``validation_…`` of the bound and of the metric that selects; means over examples.

        The same ε at every epoch, so that epochs differ by their weights alone.

        Raises:
            Diverged: a value is not finite.
        """
        model, part = self.learner.model, self.validation
        noise = torch_stream("validation", *self.noise, device=self.device)
        values = elbo(model, part.examples, noise, samples=self.settings.validation_samples)
        found = ranked(self.metrics, logits(model), part).examples
        found |= {name: each.cpu().numpy() for name, each in values.items()}
        found |= bounded(self.metrics, values)
        finite(Found(found, {}), self.metrics, "validation")
        return {f"validation_{name}": float(np.nanmean(each)) for name, each in found.items()}


def prepare(spec: dict[str, Any], data_folder: Path) -> Prepared:
    """Build model, strategy, optimiser and streams of a resolved specification; read the split.

    Raises:
        ConfigError: an option is not usable, the processor lacks the precision, or more memory is
            needed than there is.
        DataError: the split cannot be read, or values are outside the likelihood's support.
    """
    settings = Training(**spec["training"])
    device = choose_device(settings.device)
    require(settings.precision, _capability(device))
    keep_freed_blocks()
    torch.set_float32_matmul_precision("high" if settings.precision == "tf32" else "highest")
    data, drawn = Data(data_folder, device), streams_of(spec)
    examples = data.train()
    model = build(spec["model"], features(examples), drawn["weights"]).to(device)
    examples = data.labelled("train", examples, model.classes)
    if isinstance(examples, Labelled):
        examples = Labelled(examples.x, model.known(examples.y))
    model.narrow(bfloat16=settings.precision == "bfloat16")
    strategy: Strategy = create("vaebench.strategies", unnamed(spec["strategy"])).to(device)
    order: UpdateOrder = create("vaebench.training.orders", spec["training"]["update_order"]).to(
        device
    )
    estimator = Estimator(settings.estimator, settings.samples)
    check(estimator, model, examples, settings.batch_size)
    validation = data.held_out("validation", model.classes)
    if validation.held_out is not None and not validation.held_out.lengths.any():
        raise DataError(
            f"{data_folder}: no validation user has a held-out item, so nothing can be selected; "
            "allowed: more interactions a user, or a larger share held out"
        )
    name, component = selecting(spec, data.kind())
    return Prepared(
        spec,
        settings,
        examples,
        validation,
        Learner(model, strategy, adam(model, settings), order, estimator),
        Streams(
            torch_stream("batches", *drawn["batches"]),
            torch_stream("noise", *drawn["noise"], device=device),
        ),
        name,
        created({name: component}),
        drawn["noise"],
    )


def fit(
    prepared: Prepared,
    *,
    load: dict[str, Any] | None = None,
    save: Any = None,  # noqa: ANN401 (a function of a state)
    until: int | None = None,
    leave: Any = lambda _: None,  # noqa: ANN401 (a function of a state)
    watch: Watch = unwatched,
) -> Fitted:
    """Train and select; the state of the model afterwards is that of the last update.

    Args:
        prepared: what to train; changed in place.
        load: the state of a checkpoint to go on from.
        save: called with the state now and then, and when the job is told to stop.
        until: the last epoch of a rung; schedules are those of all epochs.
        leave: called with the state in which training ended.
        watch: is shown the trace so far; must not change it.

    Raises:
        Interrupted: the job was told to stop.
    """
    found, progress = Fitted(resumed=load is not None), Progress()
    best: dict[str, Any] = {}
    failed: dict[str, str] = {}
    learner, settings = prepared.learner, prepared.settings
    metric = f"validation_{prepared.selecting}"

    def after_epoch(row: dict[str, float]) -> float:
        row |= prepared.validate()
        found.trace.append(row)
        watch(found.trace)
        log.info(
            "epoch %d/%d: distortion %.2f, rate %.2f, beta %.4g, validation %s %.4f, %.1f s",
            *(row["epoch"], settings.epochs, row["distortion"], row["rate"], row["beta"]),
            *(prepared.selecting, row[metric], row["seconds"]),
        )
        if not best or row[metric] > best["row"][metric]:  # the first of ties
            best.update(row=row, weights=snapshot(learner.model))
        return row[metric]

    budget = Budget(settings.epochs, settings.batch_size, settings.learning_rate_cycles)
    still = still_from(prepared.moves_until(budget), settings.epochs)
    ends = Ending(found.trace, metric, settings.epochs, until, settings.patience, still)
    training = checkpoint.Training(
        {
            "model": learner.model,
            "strategy": learner.strategy,
            "update_order": learner.update_order,
            "optimizer": learner.optimizer,
        },
        {"order": prepared.streams.batches, "noise": prepared.streams.noise},
        progress,
        {"trace": found.trace, "best": best, "failed": failed},
    )
    if load is not None:
        training.restore(load)
    watch(found.trace)
    graphs = settings.cuda_graph and prepared.device.type == "cuda"
    noise = prepared.streams.noise
    try:
        if failed:  # in a rung before
            raise Diverged(failed["reason"])  # noqa: TRY301
        with checkpoint.Keeper(
            60 * settings.checkpoint_minutes, lambda: save and save(training.state())
        ) as keeper:
            found.first_batch = train(
                learner,
                prepared.examples,
                budget,
                prepared.streams,
                after_epoch,
                progress=progress,
                ends=ends,
                after_update=keeper,
                **(
                    {"recorded": lambda learn: Recorded(learn, learner, noise, CUDAGraphs())}
                    if graphs
                    else {}
                ),
            )
    except Diverged as error:
        found.status, found.reason = "diverged", str(error)
        failed["reason"] = str(error)
    leave(training.state())
    found.ended = ends.why
    found.last = snapshot(learner.model)
    found.best, found.selected = best.get("weights", found.last), best.get("row")
    return found


def run(
    spec: dict[str, Any],
    data_folder: Path,
    out: Path,
    *,
    stages: Mapping[str, Path] = {},
    choice: Path | None = None,
    place: int | None = None,
    stamp: Any = None,  # noqa: ANN401 (JSON)
    until: int | None = None,
    state_in: Path | None = None,
    state_out: Path | None = None,
    watch: Callable[[dict[str, Any]], Watch] = unwatched,
) -> dict[str, Any]:
    """Train a cell and write its files; the test part stays closed.

    Args:
        spec: see :func:`resolve`.
        data_folder: the split.
        out: the folder of the cell; a checkpoint in it is gone on from.
        stages: strategy → folder of the cell that finds one of this strategy's options.
        choice: the options that a tuning stage chose, or which trials have the places of a rung.
        place: that of this trial in its rung.
        stamp: what the cell depends on (code, data), kept in ``training.json``; a checkpoint of
            another one is not gone on from.
        until: the last epoch of this job; by default that of the training.
        state_in: what ``state_out`` of another job of this training was: goes on from there.
        state_out: where to leave the state after the last epoch; see :class:`Rung`.
        watch: gets ``config``, ``started_at``, ``selecting`` and ``until`` when training begins,
            and returns who is shown the trace.

    Returns:
        The content of ``training.json``.

    Raises:
        ConfigError: the specification is not usable.
        DataError: the split cannot be read or a file cannot be written.
        Interrupted: the job was told to stop; the next run goes on.
    """
    rung = Rung(until, state_in, state_out)
    return within_memory(
        lambda: _run(spec, data_folder, out, (stages, choice, place), stamp, rung, watch),
        lambda reason: _without_memory(spec, out, reason, stamp, rung),
    )


def _run(
    spec: dict[str, Any],
    data_folder: Path,
    out: Path,
    found: tuple[Mapping[str, Path], Path | None, int | None],
    stamp: Any,  # noqa: ANN401 (JSON)
    rung: Rung,
    watch: Callable[[dict[str, Any]], Watch],
) -> dict[str, Any]:
    """See :func:`run`."""
    started, started_at = time.perf_counter(), time.time()
    try:
        spec = resolve(found_elsewhere(spec, *found))
    except Diverged as error:
        rung.leave_nothing()
        return write(out, spec, Fitted("blocked", str(error)), {"stamp": stamp})
    rung.check(spec["training"]["epochs"])
    prepared = prepare(spec, data_folder)
    file = out / checkpoint.NAME
    mark = mark_of(spec, stamp)
    head = {"config": spec, "started_at": started_at, "selecting": prepared.selecting}
    head["until"] = rung.until or prepared.settings.epochs
    fitted = fit(
        prepared,
        load=rung.load(file, mark),
        save=lambda state: checkpoint.save(file, mark, state),
        until=rung.until,
        leave=lambda state: rung.leave(mark, state),
        watch=watch(head),
    )
    device = prepared.device
    cuda = device.type == "cuda"
    about = {
        "selecting": prepared.selecting,
        "target": asdict(aim) if (aim := prepared.learner.strategy.aim()) else None,
        "parameters": sum(p.numel() for p in prepared.learner.model.parameters()),
        "started_at": started_at,
        "seconds": time.perf_counter() - started,
        "resumed": fitted.resumed,
        "data": provenance.data(data_folder),
        "device": torch.cuda.get_device_name(device) if cuda else str(device),
        "gpu_peak_bytes": torch.cuda.max_memory_allocated() if cuda else None,
        "stamp": stamp,
    }
    result = write(out, spec, fitted, about)
    file.unlink(missing_ok=True)
    return result


def _without_memory(
    spec: dict[str, Any],
    out: Path,
    reason: str,
    stamp: Any,  # noqa: ANN401 (JSON)
    rung: Rung,
) -> dict[str, Any]:
    """The files of a cell that needs more memory than there is."""
    rung.leave_nothing()
    result = write(out, resolve(spec), Fitted(STATUS, reason), {"stamp": stamp})
    (out / checkpoint.NAME).unlink(missing_ok=True)
    return result


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


def check(estimator: Estimator, model: VAE, examples: Batch, batch_size: int) -> None:
    """Refuse what likelihood or memory cannot hold, before the first update.

    Raises:
        ConfigError: more samples than the free memory holds.
        DataError: values outside the likelihood's support.
    """
    device = next(model.parameters()).device
    size = min(batch_size, len(examples))
    estimator.check_memory(size, features(examples), free_bytes(device))
    pictures = contents(examples)
    if isinstance(pictures, torch.Tensor):
        with torch.no_grad():
            given = model.given(examples[torch.arange(1)])
            z = torch.zeros(1, model.latents, device=device)
            model.likelihood_of(z, given).check(pictures)


def choose_device(wanted: str) -> torch.device:
    """``auto`` is CUDA where there is one, else the CPU.

    Raises:
        ConfigError: CUDA is wanted and there is none.
    """
    available = torch.cuda.is_available()
    if wanted == "cuda" and not available:
        raise ConfigError("training.device: 'cuda' is not here; allowed on this machine: auto, cpu")
    return torch.device("cuda" if available and wanted != "cpu" else "cpu")


def _capability(device: torch.device) -> float | None:
    """The compute capability of a GPU, as in 8.0; None of a CPU."""
    if device.type != "cuda":
        return None
    major, minor = torch.cuda.get_device_capability(device)
    return major + minor / 10


def snapshot(model: VAE) -> dict[str, torch.Tensor]:
    """A copy of the weights on the CPU."""
    return {name: value.detach().cpu().clone() for name, value in model.state_dict().items()}
