"""What every baseline promises; a new file in vaebench/baselines is tested without an edit."""

import inspect
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_matrix

import vaebench.baselines
from tests.variants import variants
from vaebench.baselines import Baseline
from vaebench.components import options
from vaebench.contracts import check_baseline

SMALL = {"factors": 3, "latents": 3, "neighbours": 4}


def all_baselines() -> list[type[Baseline]]:
    return variants(vaebench.baselines, Baseline)


@pytest.fixture(params=all_baselines(), ids=lambda c: c.__name__)
def kind(request: pytest.FixtureRequest) -> type[Baseline]:
    return request.param


def small(kind: type[Baseline]) -> dict[str, int]:
    taken = inspect.signature(kind).parameters
    return {name: value for name, value in SMALL.items() if name in taken}


def made(kind: type[Baseline]) -> Any:
    return kind(**small(kind))


def test_contract(kind: type[Baseline]) -> None:
    check_baseline(kind, **small(kind))


def examples(kind: Any, seed: int = 0) -> Any:
    random = np.random.default_rng(seed)
    if kind.data_kind == "interactions":
        return csr_matrix((random.random((40, 12)) < 0.4).astype(np.float32))
    pictures = random.random((40, 12)).astype(np.float32)
    return pictures.round() if kind.pictures == "binary" else pictures


def result(baseline: Any, x: Any) -> np.ndarray:
    if baseline.data_kind == "interactions":
        return baseline.scores(x)
    return np.stack(list(baseline.bounds(x).values()))


def test_there_are_baselines_for_both_kinds_of_data() -> None:
    assert {kind.data_kind for kind in all_baselines()} == {"interactions", "images"}


def test_defaults_pass_the_check_of_the_config(kind: type[Baseline]) -> None:
    options(kind, {})


def test_options_are_keyword_only(kind: type[Baseline]) -> None:
    parameters = inspect.signature(kind).parameters.values()
    assert all(parameter.kind is parameter.KEYWORD_ONLY for parameter in parameters)


def test_the_search_space_names_options_and_its_ends_are_allowed(kind: type[Baseline]) -> None:
    for name, spread in kind.search_space.items():
        for share in (0.0, 0.5, 1.0):
            assert options(kind, {name: spread.at(share)})[name] == spread.at(share)


def test_shapes_and_types(kind: type[Baseline]) -> None:
    baseline, x = made(kind), examples(kind)
    baseline.fit(x, np.random.default_rng(0))
    found = result(baseline, x[:5])
    assert np.isfinite(found).all()
    if kind.data_kind == "interactions":
        assert found.shape == (5, 12)
        assert found.dtype == np.float32
    else:
        bounds = baseline.bounds(x[:5])
        assert list(bounds) == ["elbo", "distortion", "rate"]
        assert bounds["elbo"].shape == (5,)
        np.testing.assert_allclose(bounds["elbo"], -(bounds["distortion"] + bounds["rate"]))
        assert (bounds["rate"] >= 0).all()
    assert baseline.parameters() > 0


def test_what_is_fitted_to_is_not_written_to(kind: type[Baseline]) -> None:
    x = examples(kind)
    before = x.copy()
    made(kind).fit(x, np.random.default_rng(0))
    assert abs(x - before).max() == 0


def test_a_user_is_scored_alone(kind: type[Baseline]) -> None:
    """No leak between the rows of a batch."""
    baseline, x = made(kind), examples(kind)
    baseline.fit(x, np.random.default_rng(0))
    together, alone = result(baseline, x[:5]), result(baseline, x[3:4])
    at = 3 if kind.data_kind == "interactions" else np.s_[:, 3:4]
    np.testing.assert_allclose(together[at], alone.reshape(together[at].shape), rtol=1e-5)


def test_seeds_matter_exactly_where_they_are_said_to(kind: type[Baseline]) -> None:
    x, found = examples(kind), []
    for seed in (0, 0, 1):
        baseline = made(kind)
        baseline.fit(x, np.random.default_rng(seed))
        found.append(result(baseline, x))
    np.testing.assert_array_equal(found[0], found[1])
    assert np.array_equal(found[0], found[2]) == kind.deterministic


def test_docstring_has_its_formula(kind: type[Baseline]) -> None:
    assert "=" in (inspect.getdoc(kind) or "")
