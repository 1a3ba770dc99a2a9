"""The planted data: its truth is true, and the same every time."""

from pathlib import Path

import numpy as np
import pytest
import scipy.sparse
import scipy.special
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from tests.ranked import from_scores
from vaebench.components import create
from vaebench.datasets.planted import Planted, log_marginal, ranked
from vaebench.datasets.protocol import Protocol, split
from vaebench.errors import ConfigError
from vaebench.files import read_json
from vaebench.seeds import torch_stream
from vaebench.sparse import SparseRows
from vaebench.training.data import Data

SPLIT = Protocol(min_items_per_user=0, validation_users=40, test_users=80)


def small(*, latents: int = 3, seed: int = 0) -> Planted:
    return Planted(
        users=400, items=120, latents=latents, importance_samples=100, seed=seed, split=SPLIT
    )


def by_quadrature(
    weights: np.ndarray, bias: np.ndarray, counts: np.ndarray, nodes: int
) -> np.ndarray:
    """Log ∫ N(z; 0, 1) Π_i softmax(w z + b)_i^{x_i} dz of each row of ``counts``, by Gauss-Hermite.

    The nodes belong to the prior, not to the posterior: nothing is shared with the Laplace
    proposal of the importance sampler.
    """
    z, mass = np.polynomial.hermite_e.hermegauss(nodes)
    logits = z[:, None] * weights[:, 0] + bias
    log_p = logits - scipy.special.logsumexp(logits, axis=1, keepdims=True)
    log_mass = np.log(mass / np.sqrt(2 * np.pi))
    return scipy.special.logsumexp(counts @ log_p.T + log_mass, axis=1)


def histories() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """W (30, 1), b (30,) and counts (50, 30) of users with 1 … 25 draws, some items repeated."""
    random = np.random.default_rng(3)
    weights, bias = 0.6 * random.normal(size=(30, 1)), -random.gamma(2.0, size=30)
    probability = scipy.special.softmax(random.normal(size=(50, 1)) @ weights.T + bias, axis=1)
    counts = random.multinomial(random.integers(1, 26, size=50), probability)
    assert counts.max() > 1
    return weights, bias, counts.astype(float)


def sampled(weights: np.ndarray, bias: np.ndarray, counts: np.ndarray, samples: int) -> np.ndarray:
    return log_marginal(
        torch.from_numpy(weights),
        torch.from_numpy(bias),
        SparseRows.from_scipy(scipy.sparse.csr_matrix(counts)),
        torch_stream("a test"),
        samples,
    ).numpy()


TOLERANCE = 0.02
"""Nats of one user, of an estimate by 2,000 samples."""


@pytest.fixture(scope="module")
def estimate() -> np.ndarray:
    """Log p(x) of the histories by importance sampling."""
    return sampled(*histories(), samples=2000)


def test_log_marginal_is_the_integral(estimate: np.ndarray) -> None:
    exact = by_quadrature(*histories(), nodes=160)
    np.testing.assert_allclose(by_quadrature(*histories(), nodes=120), exact, rtol=0, atol=1e-4)
    np.testing.assert_allclose(estimate, exact, rtol=0, atol=TOLERANCE)
    assert abs((estimate - exact).mean()) < TOLERANCE / 10


@pytest.mark.parametrize("wrong", ["weights", "no bias", "binary counts", "prior's mean"])
def test_log_marginal_is_not_another_integral(estimate: np.ndarray, wrong: str) -> None:
    """The tolerance is far below what any of these mistakes would make."""
    weights, bias, counts = histories()
    arguments = {
        "weights": (weights * 1.1, bias, counts, 160),
        "no bias": (weights, bias * 0, counts, 160),
        "binary counts": (weights, bias, np.minimum(counts, 1), 160),
        "prior's mean": (weights, bias, counts, 1),
    }[wrong]
    assert abs(estimate - by_quadrature(*arguments)).max() > 4 * TOLERANCE


def test_few_samples_are_hardly_worse(estimate: np.ndarray) -> None:
    """The proposal fits: the log of a mean of few weights is noisier, and not much lower."""
    few = sampled(*histories(), samples=20)
    np.testing.assert_allclose(few, estimate, rtol=0, atol=0.3)
    assert abs((few - estimate).mean()) < TOLERANCE


def test_turning_the_latents_changes_nothing() -> None:
    """N(0, I) is round; so the sampler is right in more than one dimension too."""
    random = np.random.default_rng(4)
    weights, bias = random.normal(size=(30, 3)), random.normal(size=30)
    counts = random.multinomial(20, np.full(30, 1 / 30), size=10).astype(float)
    turn, _ = np.linalg.qr(random.normal(size=(3, 3)))
    straight, turned = (sampled(w, bias, counts, 2000) for w in (weights, weights @ turn))
    np.testing.assert_allclose(straight, turned, rtol=0, atol=0.05)


def test_a_latent_that_says_nothing_adds_nothing() -> None:
    weights, bias, counts = histories()
    wider = np.hstack([weights, np.zeros_like(weights)])
    np.testing.assert_allclose(
        sampled(wider, bias, counts, 2000),
        by_quadrature(weights, bias, counts, 160),
        rtol=0,
        atol=2 * TOLERANCE,
    )


def test_two_splits_are_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        small().write_split(None, tmp_path / name, {})
    small(seed=1).write_split(None, tmp_path / "other", {})
    names = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert len(names) == 5 + 4 + 1
    assert names == sorted(path.name for path in (tmp_path / "two").iterdir())
    for name in names:
        one, two, other = (tmp_path / folder / name for folder in ("one", "two", "other"))
        assert one.read_bytes() == two.read_bytes()
        if name != "items.txt" and not name.endswith("_users.txt"):
            assert one.read_bytes() != other.read_bytes()


def test_the_counts_of_the_draws_are_kept() -> None:
    dataset = small()
    ratings = dataset.read(None)
    weights = ratings.values
    assert weights is not None
    assert weights.max() > 1
    totals = np.bincount(ratings.users, weights, minlength=400)
    assert totals.min() >= 5
    assert len(totals) == 400
    assert abs(totals.mean() - 45) < 5
    codes = ratings.users.astype(np.int64) * 120 + ratings.items
    assert len(np.unique(codes)) == len(codes)


def test_the_draws_follow_the_planted_probabilities() -> None:
    """Items by expected and by drawn count, the users' z known: χ² over items is about I."""
    dataset = small()
    ratings = dataset.read(None)
    weights, bias = dataset.decoder()
    probability = torch.softmax(dataset.latent_users() @ weights.T + bias, 1).numpy()
    values = ratings.values
    drawn = np.bincount(ratings.items, values, minlength=120)
    expected = np.bincount(ratings.users, values) @ probability
    assert 60 < ((drawn - expected) ** 2 / expected).sum() < 180
    shuffled = np.roll(expected, 1)
    assert ((drawn - shuffled) ** 2 / shuffled).sum() > 1000


def test_the_true_ranking_beats_popularity() -> None:
    dataset = small()
    parts = split(dataset.read(None), dataset.split)
    truth = dataset.truth(parts)
    train = parts.matrices["train"]
    popularity = torch.from_numpy(np.asarray(train.sum(0)).ravel())
    ranked = from_scores(
        popularity.repeat(80, 1),
        SparseRows.from_scipy(parts.matrices["test_fold_in"]),
        SparseRows.from_scipy(parts.matrices["test_held_out"]),
    )
    for name, values in ranked.items():
        assert 0 < values.nanmean().item() < truth[name] - 0.05
        assert truth[name] < 1


@given(
    seed=st.integers(0, 10**6),
    users=st.integers(1, 12),
    items=st.integers(2, 130),
    share=st.floats(0.02, 0.6),
)
def test_its_own_ranking_is_that_of_the_metrics(
    seed: int, users: int, items: int, share: float
) -> None:
    """So that the card's best values bound what the tables show."""
    random = np.random.default_rng(seed)
    scores = random.normal(size=(users, items))
    kind = random.choice(3, (users, items), p=[1 - share, share / 2, share / 2])
    kind[0, :2] = 1, 2
    fold_in, held_out = (csr_matrix((kind == k).astype(np.float32)) for k in (1, 2))
    expected = from_scores(
        torch.from_numpy(scores.copy()),
        SparseRows.from_scipy(fold_in),
        SparseRows.from_scipy(held_out),
    )
    found = ranked(scores, fold_in, held_out)
    for name, values in found.items():
        assert values == pytest.approx(expected[name].nanmean().item(), abs=1e-12)


def test_the_true_elbo_is_the_integral_over_the_written_histories(tmp_path: Path) -> None:
    """The card's number from the files alone: the order of items and users is respected."""
    dataset = Planted(
        users=300, items=110, latents=1, scale=0.5, mean_interactions=12.0, split=SPLIT
    )
    dataset.write_split(None, tmp_path, {})
    card = read_json(tmp_path / "card.json")
    examples = Data(tmp_path, torch.device("cpu")).held_out("test").examples
    assert isinstance(examples, SparseRows)
    items = np.loadtxt(tmp_path / "items.txt", dtype=int)
    weights, bias = (parameter.numpy() for parameter in dataset.decoder())
    assert items.tolist() != sorted(items.tolist())
    exact = by_quadrature(weights[items], bias[items], examples.dense().double().numpy(), 160)
    assert card["truth"]["elbo"] == pytest.approx(exact.mean(), abs=0.01)
    unordered = by_quadrature(
        weights[np.sort(items)], bias[np.sort(items)], examples.dense().double().numpy(), 160
    )
    assert abs(card["truth"]["elbo"] - unordered.mean()) > 0.1


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"users": 600}, "users: 600 is not allowed; it should be more than the 600 held-out"),
        ({"items": 99}, "items: 99 is not allowed"),
        ({"scale": 0.0}, "scale: 0.0 is not allowed"),
        ({"mean_interactions": 5.0}, "mean_interactions: 5.0 is not allowed"),
        ({"latents": 0}, "latents: 0 is not allowed"),
    ],
)
def test_impossible_options_are_refused(options: dict[str, float], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        create("vaebench.datasets", {"class": "planted.Planted", **options})
