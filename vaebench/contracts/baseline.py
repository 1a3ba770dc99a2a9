"""The contract of a baseline as a check."""

import copy
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from vaebench.baselines import Baseline, Density, Recommender
from vaebench.contracts.broken import (
    broken_options,
    broken_search_space,
    global_streams_left_alone,
    report,
)


def check_baseline(
    baseline_class: type[Baseline],
    shape: tuple[int, int] = (40, 12),
    /,
    **options: Any,  # noqa: ANN401
) -> None:
    """Check a baseline against all that its cell relies on.

    Options are keyword-only and annotated, and the search space lies within them; what it is fitted
    to and scores from is not written to; shapes and types; each row is scored by itself; a fit
    forgets the one before, draws from its generator alone, and draws exactly if it says so.

    Args:
        baseline_class: the baseline.
        shape: rows and columns to try it with.
        options: of its constructor; they must make sense for so few columns.

    Raises:
        ContractBroken: the first promise that is not kept.
    """
    findings = _broken_baseline(baseline_class, lambda: baseline_class(**options), shape)
    report(baseline_class.__name__, findings)


Rows = Any
"""Sparse users or dense pictures."""


def _broken_baseline(
    baseline_class: type[Baseline], make: Callable[[], Baseline], shape: tuple[int, int]
) -> Iterator[str]:
    yield from broken_options(baseline_class)
    yield from broken_search_space(baseline_class)
    if not issubclass(baseline_class, Recommender | Density):
        yield "it is neither a Recommender nor a Density; allowed: one of them"
    with global_streams_left_alone("the baseline", "the generator that is given"):
        yield from _broken_fits(baseline_class, make, shape)


def _broken_fits(
    baseline_class: type[Baseline], make: Callable[[], Baseline], shape: tuple[int, int]
) -> Iterator[str]:
    x, other = (_some_rows(baseline_class, seed, shape) for seed in (0, 1))
    given = copy.deepcopy(x)
    fits = []
    for seed in (0, 0, 1):
        baseline = make()
        _fit(baseline, x, seed)
        yield from _broken_result(baseline, x)
        fits.append(_found(baseline, x))
        if abs(x - given).max() > 0:
            yield "it writes to what it is fitted to or scores from; allowed: reading"
    refitted = make()
    _fit(refitted, other, 0)
    _fit(refitted, x, 0)
    if not np.array_equal(fits[0], fits[1]):
        yield "one generator gives two fits; allowed: drawing from the generator alone"
    if not np.array_equal(fits[0], _found(refitted, x)):
        yield "a fit depends on the fit before; allowed: what is fitted to and the generator"
    if np.array_equal(fits[0], fits[2]) != baseline_class.deterministic:
        word = "differ" if baseline_class.deterministic else "agree"
        said = f"deterministic is {baseline_class.deterministic}"
        yield f"{said}, but two seeds {word}; allowed: saying what is so"


def _some_rows(baseline_class: type[Baseline], seed: int, shape: tuple[int, int]) -> Rows:
    """Users or pictures."""
    numbers = np.random.default_rng(seed).random(shape)
    if issubclass(baseline_class, Recommender):
        return csr_matrix((numbers < 0.4).astype(np.float32))  # noqa: PLR2004
    pixels = numbers.astype(np.float32)
    return pixels if getattr(baseline_class, "pictures", None) == "grey" else pixels.round()


def _fit(baseline: Baseline, x: Rows, seed: int) -> None:
    if isinstance(baseline, Recommender | Density):
        baseline.fit(x, np.random.default_rng(seed))


def _found(baseline: Baseline, x: Rows) -> np.ndarray:
    """Scores, or bounds one below the other: a row an example."""
    if isinstance(baseline, Recommender):
        return baseline.scores(csr_matrix(x))
    assert isinstance(baseline, Density)  # noqa: S101 (there are two families)
    return np.stack(list(baseline.bounds(np.asarray(x)).values()), 1)


def _broken_result(baseline: Baseline, x: Rows) -> Iterator[str]:
    some, count = x[:5], baseline.parameters()
    if not isinstance(count, int | np.integer) or count <= 0:
        yield f"parameters() is {count!r}; allowed: how many numbers were fitted, > 0"
    if isinstance(baseline, Recommender):
        scores = baseline.scores(csr_matrix(some))
        if scores.shape != some.shape or scores.dtype != np.float32:
            yield f"scores are {scores.dtype} {scores.shape}; allowed: float32 {some.shape}"
    elif isinstance(baseline, Density):
        yield from _broken_bounds(baseline.bounds(np.asarray(some)), len(some))
    found = _found(baseline, some)
    if not np.isfinite(found).all():
        yield "a result is not finite; allowed: finite numbers"
    if not np.allclose(found[3:4], _found(baseline, x[3:4]), rtol=1e-4, atol=1e-6):
        yield "a row's result depends on the others of its batch; allowed: its own row alone"


def _broken_bounds(bounds: dict[str, np.ndarray], count: int) -> Iterator[str]:
    if list(bounds) != ["elbo", "distortion", "rate"]:
        yield f"bounds are {', '.join(bounds)}; allowed: elbo, distortion, rate"
    for name, values in bounds.items():
        if values.shape != (count,) or values.dtype != np.float64:
            yield f"{name} is {values.dtype} {values.shape}; allowed: float64 ({count},)"
    if not np.allclose(bounds["elbo"], -(bounds["distortion"] + bounds["rate"])):
        yield "elbo is not −(distortion + rate); allowed: that"
    if (bounds["rate"] < -1e-9).any():  # noqa: PLR2004 (rounding)
        yield f"a rate is {bounds['rate'].min():g}; allowed: ≥ 0"
