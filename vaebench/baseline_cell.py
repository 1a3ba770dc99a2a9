"""One baseline on one data set: a plain specification and a split → the files of a cell.

The files are those of every cell (see :mod:`vaebench.cell`), so that tables, tests and MLflow need
not know the difference. What a baseline has not is empty: no epochs (``trace.parquet``), no latents
and no weights, since a closed form is quicker to fit again than to store.
"""

import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from vaebench import provenance
from vaebench.baselines import Baseline, Density, Recommender
from vaebench.cell import Outcome, mean, unnamed, write
from vaebench.components import create, find, options
from vaebench.data import Data, HeldOut
from vaebench.errors import ConfigError, Diverged
from vaebench.images.binarize import DynamicPictures
from vaebench.metrics.ranking import NAMES, from_scores
from vaebench.seeds import numpy_stream
from vaebench.sparse import SparseRows, counts
from vaebench.tuning.choice import chosen
from vaebench.words import NONE

HOME = "vaebench.baselines"

CHUNK = 500
"""Users that are scored at a time."""


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
    *,
    choice: Path | None = None,
    tested: bool = True,
) -> dict[str, Any]:
    """Fit to the training part, judge on validation, read the test part once, write the files.

    Args:
        spec: see :func:`resolve`.
        data_folder: the split.
        out: the folder of the cell.
        choice: the options that a tuning stage chose.
        tested: False leaves the test part closed, for a trial of the tuning stage.

    Returns:
        The summary.

    Raises:
        ConfigError: the specification is not usable, on these data.
        DataError: the split cannot be read or a file cannot be written.
    """
    started, started_at = time.perf_counter(), time.time()
    try:
        spec = resolve(chosen(spec, choice))
    except Diverged as error:
        blocked = {"status": "blocked", "reason": str(error)}
        return write(out, Outcome(spec | {"strategy": {"name": NONE}}, blocked), {})
    data = Data(data_folder, torch.device("cpu"))
    baseline: Baseline = create(HOME, unnamed(spec["model"]))
    kind = data.kind()
    if baseline.data_kind != kind:
        raise ConfigError(
            f"{spec['model']['name']}: takes {baseline.data_kind}, but {spec['dataset']} has {kind}"
        )
    random = numpy_stream("baseline", spec["dataset"], spec["model"]["name"], spec["seed"])
    with threadpool_limits(torch.get_num_threads(), "blas"):
        try:
            fit(baseline, data, random, spec["dataset"])
        except ValueError as error:
            raise ConfigError(f"{spec['model']['name']}.{error}") from error
        fitted = time.perf_counter() - started
        outcome = Outcome(spec, {"status": "done", "reason": None})
        found = evaluate(baseline, data.held_out("validation"))
        selected: dict[str, Any] = {"epoch": None, "beta": None}
        outcome.selected = selected | {f"validation_{n}": mean(v) for n, v in found.items()}
        if tested:
            part = data.held_out("test")
            outcome.test = evaluate(baseline, part)
            sizes = counts(part.examples)
            if sizes is not None:
                outcome.test["interactions"] = sizes.double().numpy()
    about = {
        "started_at": started_at,
        "seconds": time.perf_counter() - started,
        "seconds_to_fit": fitted,
        "device": "cpu",
        "data": provenance.data(data_folder),
        "deterministic": baseline.deterministic,
        "parameters": baseline.parameters(),
    }
    return write(out, outcome, about)


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


def evaluate(baseline: Baseline, part: HeldOut) -> dict[str, np.ndarray]:
    """All metrics of a held-out part: name → one value per example, float64."""
    if isinstance(baseline, Density):
        assert isinstance(part.examples, torch.Tensor)  # noqa: S101 (pictures)
        return baseline.bounds(part.examples.numpy())
    assert isinstance(baseline, Recommender)  # noqa: S101 (there are two families)
    assert part.fold_in is not None  # noqa: S101 (interactions)
    assert part.held_out is not None  # noqa: S101
    parts = []
    for users in torch.arange(len(part.fold_in)).split(CHUNK):
        seen = part.fold_in[users]
        scores = torch.from_numpy(baseline.scores(matrix(seen)))
        parts.append(from_scores(scores, seen, part.held_out[users]))
    return {name: torch.cat([each[name] for each in parts]).numpy() for name in NAMES}


def matrix(rows: SparseRows) -> csr_matrix:
    """The rows as a SciPy matrix, float32, sharing their values."""
    arrays = (rows.values.numpy(), rows.indices.numpy(), rows.offsets.numpy())
    found = csr_matrix(arrays, shape=(len(rows), rows.columns))
    # 32-bit indices where they suffice: compiled libraries want them
    wide = max(found.nnz, found.shape[1]) > np.iinfo(np.int32).max
    index = np.int64 if wide else np.int32
    found.indices, found.indptr = found.indices.astype(index), found.indptr.astype(index)
    return found
