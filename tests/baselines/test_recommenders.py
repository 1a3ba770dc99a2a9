"""Each recommender against its definition, written down a second time without any skill."""

import itertools
from collections.abc import Callable

import numpy as np
import pytest
import scipy.linalg
import scipy.sparse
import torch
from scipy.sparse import csr_matrix
from sklearn.decomposition import TruncatedSVD
from sklearn.linear_model import Ridge
from sklearn.metrics.pairwise import cosine_similarity

from tests.ranked import from_scores
from vaebench.baselines import Recommender, item_item
from vaebench.baselines.ease import EASE
from vaebench.baselines.edlae import EDLAE
from vaebench.baselines.ials import IALS
from vaebench.baselines.item_knn import ItemKNN
from vaebench.baselines.popularity import Popularity
from vaebench.baselines.pure_svd import PureSVD
from vaebench.baselines.scaled_ials import ScaledIALS
from vaebench.components import create
from vaebench.sparse import SparseRows


def interactions(users: int = 60, items: int = 15, *, seed: int = 0) -> csr_matrix:
    """Random counts 0 … 2 with a long tail."""
    random = np.random.default_rng(seed)
    shares = 0.6 / np.sqrt(1 + np.arange(items))
    return csr_matrix(random.binomial(2, shares, (users, items)).astype(np.float32))


def fitted(baseline: Recommender, x: csr_matrix) -> Recommender:
    baseline.fit(x, np.random.default_rng(0))
    return baseline


def test_popularity_counts() -> None:
    x = interactions()
    scores = fitted(Popularity(), x).scores(x[:3])
    np.testing.assert_array_equal(scores, np.tile(x.toarray().sum(0), (3, 1)))


@pytest.mark.parametrize("block", [4, 1_000])
def test_ease_is_ridge_regression_of_each_item_on_the_others(
    block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """scikit-learn solves column j of B alone, without item j: the constraint diag(B) = 0."""
    monkeypatch.setattr(item_item, "BLOCK", block)
    x = interactions()
    dense = x.toarray().astype(np.float64)
    expected = np.zeros((15, 15))
    for item in range(15):
        others = np.arange(15) != item
        ridge = Ridge(alpha=3.0, fit_intercept=False).fit(dense[:, others], dense[:, item])
        expected[others, item] = ridge.coef_
    model = EASE(l2=3.0)
    fitted(model, x)
    np.testing.assert_allclose(model.weights, expected, atol=1e-6)
    np.testing.assert_allclose(model.scores(x[:4]), dense[:4] @ expected, atol=1e-5)


def test_ease_in_place_is_as_exact_as_double_precision() -> None:
    """Counts over four orders of magnitude and a small λ: a condition number of 10⁶."""
    random = np.random.default_rng(1)
    shares = np.geomspace(0.9, 1e-3, 80)
    x = csr_matrix((random.random((5_000, 80)) < shares).astype(np.float32))
    gram = (x.T @ x).toarray().astype(np.float64) + 0.01 * np.eye(80)
    inverse = np.linalg.inv(gram)
    exact = -inverse / np.diag(inverse)
    np.fill_diagonal(exact, 0)
    weights = item_item.item_weights(item_item.gram(x, 0.01))
    np.testing.assert_allclose(weights, exact, atol=2e-5)


def test_ease_says_where_the_matrix_is_not_positive_definite() -> None:
    twice = np.ones((2, 2), np.float32)
    with pytest.raises(ValueError, match="not positive definite in float32 at item 2"):
        item_item.item_weights(twice)


@pytest.mark.parametrize(("items", "block"), [(1, 3), (6, 3), (50, 7), (200, 64), (200, 200)])
def test_the_inverse_by_blocks_is_the_inverse(
    items: int, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A correlation matrix with a condition number of 10³ and less, against float64."""
    monkeypatch.setattr(item_item, "BLOCK", block)
    drawn = np.random.default_rng(items).normal(size=(2 * items + 9, items))
    correlation = np.corrcoef(drawn.T).reshape(items, items)
    found = torch.from_numpy(correlation.astype(np.float32))
    item_item.invert(found)
    expected = scipy.linalg.inv(correlation)
    np.testing.assert_allclose(found, expected, atol=2e-6 * np.abs(expected).max())
    assert torch.equal(found, found.T), "both triangles"


def test_the_inverse_holds_two_panels_and_no_second_matrix(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every allocation of torch is traced; 512 items in blocks of 16 have panels of 1/32 of A."""
    monkeypatch.setattr(item_item, "BLOCK", 16)
    matrix = torch.eye(512)
    panel = matrix.nbytes // 32
    assert 2 * panel <= allocated(lambda: item_item.invert(matrix)) < 2.5 * panel
    assert allocated(lambda: matrix + matrix) >= matrix.nbytes, "a copy would be seen"


def allocated(work: Callable[[], object]) -> int:
    """The largest number of bytes that ``work`` has of torch's CPU memory at one time."""
    with torch.profiler.profile(
        activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True
    ) as profiled:
        work()
    events = list(profiled.profiler.kineto_results.experimental_event_tree())
    sizes = []
    while events:
        event = events.pop()
        events += event.children
        if event.tag.name == "Allocation":
            sizes.append((event.start_time_ns, event.extra_fields.alloc_size))
    return max(itertools.accumulate(size for _, size in sorted(sizes)))


def test_all_neighbours_are_the_cosine() -> None:
    x = interactions()
    model = ItemKNN(neighbours=15)
    fitted(model, x)
    expected = cosine_similarity(x.T)
    np.fill_diagonal(expected, 0)
    np.testing.assert_allclose(model.similarities.toarray(), expected, atol=1e-6)


@pytest.mark.parametrize("block", [4, 1_000])
def test_neighbours_by_the_definition(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vaebench.baselines.item_knn.BLOCK", block)
    x = interactions()
    dense = x.toarray().astype(np.float64)
    expected = np.zeros((4, 15))
    for item in range(15):
        similar = np.array(
            [
                dense[:, item]
                @ dense[:, other]
                / (np.linalg.norm(dense[:, item]) * np.linalg.norm(dense[:, other]) + 2.0)
                for other in range(15)
            ]
        )
        similar[item] = -1
        for neighbour in sorted(range(15), key=lambda j: (-round(similar[j], 9), j))[:3]:
            expected[:, item] += dense[:4, neighbour] * similar[neighbour]
    model = fitted(ItemKNN(neighbours=3, shrinkage=2.0), x)
    np.testing.assert_allclose(model.scores(x[:4]), expected, rtol=1e-5)


def test_an_item_without_interactions_has_no_neighbours() -> None:
    x = scipy.sparse.hstack([interactions(), csr_matrix((60, 1), dtype=np.float32)]).tocsr()
    scores = fitted(ItemKNN(neighbours=3), x).scores(x[:2])
    assert np.isfinite(scores).all()
    assert (scores[:, -1] == 0).all()


def test_pure_svd_is_scikit_learns_truncated_svd() -> None:
    x = interactions()
    other = TruncatedSVD(4, algorithm="arpack", random_state=0).fit(x.astype(np.float64))
    expected = other.inverse_transform(other.transform(x[:5].astype(np.float64)))
    np.testing.assert_allclose(fitted(PureSVD(factors=4), x).scores(x[:5]), expected, atol=1e-5)


def test_pure_svd_needs_fewer_factors_than_items() -> None:
    with pytest.raises(ValueError, match="factors: 15 is not allowed; it should be at most 14"):
        fitted(PureSVD(factors=15), interactions())


def ials_side(x: np.ndarray, other: np.ndarray, alpha: float, l2: float) -> np.ndarray:
    """The least squares of every row, one by one, dense and in double precision."""
    rows = []
    for row in x:
        confidence = np.where(row > 0, alpha * row, 1.0)
        left = other.T @ (confidence[:, None] * other) + l2 * np.eye(other.shape[1])
        rows.append(np.linalg.solve(left, other.T @ (confidence * (row > 0))))
    return np.array(rows)


def test_ials_folds_an_unseen_user_in_by_its_own_least_squares() -> None:
    x, new = interactions(), interactions(7, seed=1)
    model = IALS(factors=4, l2=0.5, alpha=3.0)
    fitted(model, x)
    items = model.model.item_factors.astype(np.float64)
    users = ials_side(new.toarray().astype(np.float64), items, 3.0, 0.5)
    np.testing.assert_allclose(model.scores(new), users @ items.T, atol=1e-4)


def test_ials_ends_where_exact_alternation_stands_still() -> None:
    """At a fixed point of the textbook's two steps; conjugate gradients get there too."""
    x = interactions()
    dense = x.toarray().astype(np.float64)
    model = IALS(factors=2, l2=1.0, alpha=3.0, iterations=400)
    fitted(model, x)
    items = model.model.item_factors.astype(np.float64)
    again = ials_side(dense.T, ials_side(dense, items, 3.0, 1.0), 3.0, 1.0)
    np.testing.assert_allclose(again, items, atol=2e-3)


def binary(users: int = 60, items: int = 15, *, seed: int = 0) -> csr_matrix:
    """The same without counts, as the data of a study are."""
    return interactions(users, items, seed=seed).astype(bool).astype(np.float32).tocsr()


def expected_loss(x: np.ndarray, weights: torch.Tensor, dropout: float) -> torch.Tensor:
    """Σ_uj E[(1 − δ_uj)(x_uj − Σ_i δ_ui x_ui B_ij)²]/p, summed over all 2^I masks δ."""
    total = torch.zeros((), dtype=torch.float64)
    users = torch.from_numpy(x)
    for mask in itertools.product((0.0, 1.0), repeat=x.shape[1]):
        kept = torch.tensor(mask, dtype=torch.float64)
        chance = (1 - dropout) ** kept.sum() * dropout ** (1 - kept).sum()
        errors = (users - (users * kept) @ weights) ** 2
        total = total + chance * ((1 - kept) * errors).sum() / dropout
    return total


@pytest.mark.parametrize("x", [binary(30, 6), interactions(30, 6)], ids=["binary", "counts"])
def test_edlae_is_where_the_expected_loss_of_dropout_is_stationary(x: csr_matrix) -> None:
    """The expectation is exact: every mask of six items. Nothing is lower nearby."""
    p, q, l2 = 0.3, 0.7, 2.0
    dense = x.toarray().astype(np.float64)
    model = EDLAE(dropout=p, l2=l2)
    fitted(model, x)
    weights = torch.from_numpy(model.weights.astype(np.float64)) / q
    weights.requires_grad_()
    loss = expected_loss(dense, weights, p) + l2 * (q * weights).square().sum()
    (gradient,) = torch.autograd.grad(loss, weights)
    off_diagonal = ~np.eye(6, dtype=bool)
    assert abs(gradient.numpy()[off_diagonal]).max() < 1e-3
    assert abs(gradient.numpy()).max() < 1e-3, "the diagonal, which nothing that is dropped sees"
    step = np.random.default_rng(0).normal(0, 0.05, (6, 6)) * off_diagonal
    moved = weights.detach() + torch.from_numpy(step)
    assert expected_loss(dense, moved, p) + l2 * (q * moved).square().sum() > loss + 1e-2


def test_edlae_without_dropout_is_ease() -> None:
    x = interactions()
    first, second = EDLAE(dropout=0.0, l2=3.0), EASE(l2=3.0)
    np.testing.assert_array_equal(fitted(first, x).scores(x), fitted(second, x).scores(x))


def test_edlae_of_two_items_by_hand() -> None:
    """G = [[3, 2], [2, 4]]; qB_12 = G_12 / (G_11 + p/q·G_11 + λ) = 2/(3 + 3 + 1)."""
    x = csr_matrix([[1, 1], [1, 1], [1, 0], [0, 1], [0, 1]], dtype=np.float32)
    model = EDLAE(dropout=0.5, l2=1.0)
    fitted(model, x)
    np.testing.assert_allclose(model.weights, [[0, 2 / 7], [2 / 9, 0]], rtol=1e-6)


def ials_loss(
    x: np.ndarray, users: np.ndarray, items: np.ndarray, options: ScaledIALS
) -> torch.Tensor:
    """The gradients of the objective, written pair by pair, for users and items."""
    alpha, nu = options.unobserved, options.exponent
    w, h = (torch.tensor(each, dtype=torch.float64, requires_grad=True) for each in (users, items))
    seen, scores = torch.from_numpy(x), w @ h.T
    of_user = options.l2 * ((seen > 0).sum(1) + alpha * x.shape[1]) ** nu
    of_item = options.l2 * ((seen > 0).sum(0) + alpha * x.shape[0]) ** nu
    loss = (seen * (1 - scores) ** 2).sum() + alpha * scores.square().sum()
    loss = loss + (of_user * w.square().sum(1)).sum() + (of_item * h.square().sum(1)).sum()
    return torch.cat([g.flatten() for g in torch.autograd.grad(loss, (w, h))])


@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0])
def test_scaled_ials_ends_where_its_objective_is_stationary(exponent: float) -> None:
    x = interactions(20, 8)
    l2 = 1 / 5**exponent  # the same on average
    model = ScaledIALS(factors=2, l2=l2, unobserved=0.2, exponent=exponent, iterations=200)
    fitted(model, x)
    users = model.solved(x, model.item_factors)
    gradient = ials_loss(x.toarray().astype(np.float64), users, model.item_factors, model)
    assert abs(gradient).max() < 1e-3
    assert abs(model.item_factors).max() > 0.1, "zero is stationary too"


def test_scaled_ials_without_its_exponent_is_implicits() -> None:
    """α = 1 + 1/α₀ and αλ, from the same start: scores of implicit are 1 + α₀ times ours."""
    from implicit.cpu.als import AlternatingLeastSquares  # noqa: PLC0415

    x, unobserved, l2 = binary(), 0.25, 0.3
    ours = ScaledIALS(factors=3, l2=l2, unobserved=unobserved, exponent=0.0, iterations=5)
    fitted(ours, x)
    start = np.random.default_rng(0).normal(0, 0.1, (15, 3)).astype(np.float32) / np.sqrt(3)
    alpha = 1 + 1 / unobserved
    theirs = AlternatingLeastSquares(
        3, alpha=alpha, regularization=l2 * alpha, iterations=5, use_cg=False, num_threads=1
    )
    theirs.item_factors = (start * np.sqrt(1 + unobserved)).astype(np.float32)
    theirs.user_factors = np.zeros((60, 3), np.float32)
    theirs.fit(x, show_progress=False)
    fold_in = binary(7, seed=1)
    users = theirs.recalculate_user(np.arange(7), fold_in)
    np.testing.assert_allclose(
        users @ theirs.item_factors.T / (1 + unobserved), ours.scores(fold_in), atol=1e-5
    )


def test_a_user_without_interactions_has_no_factors() -> None:
    """Nor a row of zeros a failed solve."""
    x = scipy.sparse.vstack([interactions(), csr_matrix((1, 15), dtype=np.float32)]).tocsr()
    assert (fitted(ScaledIALS(factors=3), x).scores(x[-1:]) == 0).all()


@pytest.fixture(scope="module")
def ml_1m(raw_folder, tmp_path_factory):  # noqa: ANN001, ANN201 (fixtures)
    """ML-1M on the protocol with 750 + 750 held-out users."""
    folder = tmp_path_factory.mktemp("ml-1m")
    split = {"validation_users": 750, "test_users": 750}
    dataset = create(
        "vaebench.datasets", {"class": "movielens.MovieLens", "release": "ml-1m", "split": split}
    )
    dataset.write_split(raw_folder("ml-1m/ratings.csv"), folder, {"name": None, "sha256": None})
    names = ("train", "test_fold_in", "test_held_out")
    return {
        name: scipy.sparse.csr_matrix(scipy.sparse.load_npz(folder / f"{name}.npz"))
        for name in names
    }


@pytest.mark.parametrize(
    ("baseline", "expected"),
    [
        (Popularity(), (0.2057, 0.1590, 0.2283)),
        (EASE(l2=600.0), (0.4262, 0.3583, 0.4730)),
    ],
    ids=["popularity", "ease"],
)
def test_movielens_1m_as_measured_with_public_code(
    baseline: Recommender, expected: tuple[float, ...], ml_1m: dict[str, csr_matrix]
) -> None:
    """Independent implementations on the same split; items of equal popularity may swap places."""
    fold_in, held_out = ml_1m["test_fold_in"], ml_1m["test_held_out"]
    scores = torch.from_numpy(fitted(baseline, ml_1m["train"]).scores(fold_in))
    found = from_scores(scores, SparseRows.from_scipy(fold_in), SparseRows.from_scipy(held_out))
    means = [values.mean().item() for values in found.values()]
    np.testing.assert_allclose(means, expected, atol=3e-4)
