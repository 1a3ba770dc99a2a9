"""One baseline on one data set: a plain specification and a split → the files of a cell.

The files are those of every cell (see :mod:`vaebench.cells.vae` and :mod:`vaebench.cells.test`), so
that tables, tests and MLflow need not know the difference. What a baseline does not have is empty:
no epochs (``trace.parquet``), no latents and no weights, since a closed form is quicker to fit
again than to store. So one job fits and tests.
"""

import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from vaebench.baselines import Baseline, Density, Recommender
from vaebench.cells import tested
from vaebench.cells.files import seal, write_table, write_weights
from vaebench.cells.folder import NONE
from vaebench.cells.found import found_elsewhere
from vaebench.cells.metrics import Found, bounded, created, finite, ranked
from vaebench.cells.out_of_memory import STATUS, within_memory
from vaebench.cells.selection import selecting
from vaebench.components import create, find, options, unnamed
from vaebench.errors import ConfigError, Diverged
from vaebench.files import write_json
from vaebench.machine import provenance
from vaebench.machine.usage import usage
from vaebench.metrics import Metric
from vaebench.seeds import numpy_stream
from vaebench.sparse import SparseRows
from vaebench.training.data import Data, HeldOut
from vaebench.training.dynamic import DynamicPictures

HOME = "vaebench.baselines"


def resolve(spec: dict[str, Any]) -> dict[str, Any]:
    """The specification with every default filled in.

    ``spec`` has the keys study, dataset, model and seed; ``model`` is ``{"name": …, "class": …,
    **options}``.

    Raises:
        ConfigError: an option is unknown or impossible.
    """
    given = dict(spec["model"])
    name, path = given.pop("name"), given.pop("class")
    model = {"name": name, "class": path, **options(find(HOME, path), given)}
    return spec | {"model": model, "strategy": {"name": NONE}, "training": {}}


def run(
    spec: dict[str, Any],
    data_folder: Path,
    out: Path,
    metrics: tested.Components | None = None,
    *,
    choice: Path | None = None,
    stamp: Any = None,  # noqa: ANN401 (JSON)
) -> dict[str, Any]:
    """Fit to the training part, judge on validation, read the test part once, write the files.

    Args:
        spec: see :func:`resolve`.
        data_folder: the split.
        out: the folder of the cell.
        metrics: of the test part; None leaves it closed, for a trial of the tuning stage.
        choice: the options that a tuning stage chose.
        stamp: what the cell depends on, kept in its seals.

    Returns:
        Summary and status, or what fitting said where the test part stays closed.

    Raises:
        ConfigError: the specification is not usable, on these data.
        DataError: the split cannot be read or a file cannot be written.
    """
    about = {"status": STATUS, "stamp": stamp}
    return within_memory(
        lambda: _run(spec, data_folder, out, metrics, choice, stamp),
        lambda why: _written(out, resolve(spec), about | {"reason": why}, metrics, Found({}, {})),
    )


def _run(
    spec: dict[str, Any],
    data_folder: Path,
    out: Path,
    metrics: tested.Components | None,
    choice: Path | None,
    stamp: Any,  # noqa: ANN401 (JSON)
) -> dict[str, Any]:
    """See :func:`run`."""
    started, started_at = time.perf_counter(), time.time()
    try:
        spec = resolve(found_elsewhere(spec, {}, choice))
    except Diverged as error:
        blocked = {"status": "blocked", "reason": str(error), "stamp": stamp}
        return _written(out, spec | {"strategy": {"name": NONE}}, blocked, metrics, Found({}, {}))
    data = Data(data_folder, torch.device("cpu"))
    baseline: Baseline = create(HOME, unnamed(spec["model"]))
    kind = data.kind()
    if baseline.data_kind != kind:
        raise ConfigError(
            f"{spec['model']['name']}: takes {baseline.data_kind}, but {spec['dataset']} has {kind}"
        )
    random = numpy_stream("baseline", spec["dataset"], spec["model"]["name"], spec["seed"])
    found, sizes = Found({}, {}), {}
    with threadpool_limits(torch.get_num_threads(), "blas"):
        try:
            fit(baseline, data, random, spec["dataset"])
        except ValueError as error:
            raise ConfigError(f"{spec['model']['name']}.{error}") from error
        fitted = time.perf_counter() - started
        name, component = selecting(spec, kind)
        try:
            judge = created({name: component})
            validated = evaluate(baseline, data.held_out("validation"), judge, "validation")
            if metrics is not None:
                part, built = data.held_out("test"), tested.built(metrics)
                shown = partial(tested.popularity, data)
                found, sizes = (
                    evaluate(baseline, part, built, "test", shown),
                    tested.interactions(part),
                )
        except Diverged as error:
            broken = {"status": "diverged", "reason": str(error), "stamp": stamp}
            return _written(out, spec, broken, metrics, Found({}, {}))
    selected: dict[str, Any] = {"epoch": None, "beta": None}
    selected |= {f"validation_{n}": tested.mean(v) for n, v in validated.examples.items()}
    about = {
        "status": "done",
        "reason": None,
        "selected": selected,
        "selecting": name,
        "started_at": started_at,
        "seconds": time.perf_counter() - started,
        "seconds_to_fit": fitted,
        "device": "cpu",
        "data": provenance.data(data_folder),
        "deterministic": baseline.deterministic,
        "parameters": baseline.parameters(),
        "stamp": stamp,
    }
    return _written(out, spec, about, metrics, found, sizes)


def _written(
    out: Path,
    spec: Mapping[str, Any],
    about: Mapping[str, Any],
    metrics: tested.Components | None,
    found: Found,
    sizes: Mapping[str, np.ndarray] = {},
) -> dict[str, Any]:
    """All files of a baseline's cell, or those of a trial."""
    write_json(out / "config.json", spec)
    write_table(out / "trace.parquet", {})
    for name in ("best", "last"):
        write_weights(out / f"{name}.safetensors", {})
    training = {
        "selected": None,
        "last": None,
        "beta": {"selected": None, "last": None, "mean": None},
        "first_batch": {},
        "parameters": 0,
        **({"started_at": time.time(), "seconds": 0.0, "device": None} | dict(about)),
        **usage(),
        **provenance.here(torch.get_num_threads()),
        "config_sha256": provenance.config_hash(spec),
    }
    sealed = seal(out, "training.json", training)
    if metrics is None:
        return sealed
    return tested.write(
        out,
        sealed,
        found,
        tested.described(metrics),
        sizes=sizes,
        latents={},
        about={"latents": {}},
        stamp=about["stamp"],
    )


def fit(baseline: Baseline, data: Data, random: np.random.Generator, dataset: str) -> None:
    """Fit to the training part; of pictures that are drawn at each use, to one draw."""
    examples: object = data.train()
    if isinstance(examples, DynamicPictures):
        examples = examples.fixed("fitted to", dataset)
    if isinstance(baseline, Recommender):
        assert isinstance(examples, SparseRows)  # noqa: S101 (the kinds agree)
        baseline.fit(matrix(examples), random)
    elif isinstance(baseline, Density):
        assert isinstance(examples, torch.Tensor)  # noqa: S101
        baseline.fit(examples.numpy(), random)


def evaluate(
    baseline: Baseline,
    part: HeldOut,
    metrics: Mapping[str, Metric],
    where: str,
    popularity: Any = None,  # noqa: ANN401 (see ranked)
) -> Found:
    """The metrics of a held-out part that the baseline has; ``where``: its name.

    Raises:
        Diverged: a value is not finite.
    """
    if isinstance(baseline, Density):
        assert isinstance(part.examples, torch.Tensor)  # noqa: S101 (pictures)
        bounds = baseline.bounds(part.examples.numpy())
        of_bound = bounded(metrics, {k: torch.from_numpy(v) for k, v in bounds.items()})
        return finite(Found(of_bound, {}), metrics, where)
    assert isinstance(baseline, Recommender)  # noqa: S101 (there are two families)

    def scores(fold_in: SparseRows) -> torch.Tensor:
        return torch.from_numpy(baseline.scores(matrix(fold_in)))

    return finite(ranked(metrics, scores, part, popularity), metrics, where)


def matrix(rows: SparseRows) -> csr_matrix:
    """The rows as a SciPy matrix, float32, sharing their values."""
    arrays = (rows.values.numpy(), rows.indices.numpy(), rows.offsets.numpy())
    found = csr_matrix(arrays, shape=(len(rows), rows.columns))
    # 32-bit indices where they suffice: compiled libraries want them
    wide = max(found.nnz, found.shape[1]) > np.iinfo(np.int32).max
    index = np.int64 if wide else np.int32
    found.indices, found.indptr = found.indices.astype(index), found.indptr.astype(index)
    return found
