"""Metrics of ranking against trec_eval and against other forms of their formulas."""

import numpy as np
import pytest
import pytrec_eval
import scipy.sparse
import scipy.stats
import torch

from tests.ranked import METRICS, from_scores, ranking
from vaebench.cells.metrics import ranked
from vaebench.metrics import Lists, Metric, lists
from vaebench.metrics.average_precision import MAP
from vaebench.metrics.coverage import Coverage
from vaebench.metrics.gini import Gini
from vaebench.metrics.hit_rate import HitRate
from vaebench.metrics.ndcg import NDCG
from vaebench.metrics.novelty import Novelty
from vaebench.metrics.reciprocal_rank import MRR
from vaebench.models.mult_vae import MultVAE
from vaebench.seeds import torch_stream
from vaebench.sparse import SparseRows
from vaebench.training.data import HeldOut


def rows(members: np.ndarray) -> SparseRows:
    return SparseRows.from_scipy(scipy.sparse.csr_matrix(members.astype(np.float32)))


def drawn(users: int, items: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores, fold-in and held-out membership; some users hold out nothing."""
    random = np.random.default_rng(seed)
    scores = random.normal(size=(users, items)).astype(np.float32)
    fold_in = random.random((users, items)) < 0.2
    held_out = ~fold_in & (
        random.random((users, items)) < random.choice([0, 0.02, 0.4], (users, 1))
    )
    return scores, fold_in, held_out


def by_trec_eval(
    scores: np.ndarray, fold_in: np.ndarray, held_out: np.ndarray
) -> dict[str, np.ndarray]:
    """The protocol's metrics from trec_eval's ndcg_cut and precision; seen items are not ranked."""
    truth = {str(u): {str(i): 1 for i in np.flatnonzero(held_out[u])} for u in range(len(scores))}
    run = {
        str(u): {str(i): float(scores[u, i]) for i in np.flatnonzero(~fold_in[u])}
        for u in range(len(scores))
    }
    evaluator = pytrec_eval.RelevanceEvaluator(truth, {"ndcg_cut.100", "P.20", "P.50"})
    found = evaluator.evaluate(run)
    nothing = {"ndcg_cut_100": np.nan, "P_20": np.nan, "P_50": np.nan}
    per_user = [found[str(u)] if truth[str(u)] else nothing for u in range(len(scores))]
    targets = held_out.sum(1)
    return {
        "ndcg@100": np.array([row["ndcg_cut_100"] for row in per_user]),
        "recall@20": np.array([row["P_20"] * 20 for row in per_user]) / np.minimum(20, targets),
        "recall@50": np.array([row["P_50"] * 50 for row in per_user]) / np.minimum(50, targets),
    }


@pytest.mark.parametrize("items", [12, 60, 400])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.filterwarnings("ignore:invalid value encountered in divide")
def test_agrees_with_trec_eval(items: int, seed: int) -> None:
    """Also lists shorter than K (12 and 60 items), where only seen items are left at −∞."""
    scores, fold_in, held_out = drawn(40, items, seed)
    ours = from_scores(torch.from_numpy(scores), rows(fold_in), rows(held_out))
    theirs = by_trec_eval(scores, fold_in, held_out)
    for name in METRICS:
        np.testing.assert_allclose(ours[name].numpy(), theirs[name], rtol=1e-6, err_msg=name)
    assert np.isnan(theirs["ndcg@100"]).any(), "users without a target must occur"


def test_items_at_minus_infinity_never_count() -> None:
    """Three unseen items of which one is held out, all other scores −∞: it ranks first."""
    scores = torch.full((1, 200), -torch.inf)
    scores[0, 7] = -5
    fold_in, held_out = np.zeros((1, 200)), np.zeros((1, 200))
    fold_in[0, :100] = 1
    fold_in[0, 7] = 0
    held_out[0, [7, 150]] = 1
    found = from_scores(scores, rows(fold_in), rows(held_out))
    ideal = 1 + 1 / np.log2(3)
    assert found["ndcg@100"].item() == pytest.approx(1 / ideal)
    assert found["recall@20"].item() == 0.5


def test_a_perfect_ranking_is_one_and_scores_are_left_alone() -> None:
    scores = torch.arange(300.0).repeat(2, 1)
    held_out = np.zeros((2, 300))
    held_out[0, -150:] = 1
    held_out[1, -3:] = 1
    kept = scores.clone()
    found = from_scores(scores, rows(np.zeros((2, 300))), rows(held_out))
    for name in METRICS:
        assert torch.allclose(found[name], torch.ones(2, dtype=torch.float64)), name
    assert torch.equal(scores, kept)


def test_ranking_uses_the_posterior_mean_without_dropout_in_any_chunk() -> None:
    model = MultVAE(60, hidden=8, latents=4)
    model.initialise(torch_stream("weights"))
    model.train()
    _, fold_in, held_out = drawn(30, 60, 5)
    found = ranking(model, rows(fold_in), rows(held_out))
    model.eval()
    with torch.no_grad():
        scores = model.decode(model.encode(rows(fold_in)).mean).logits
    expected = from_scores(scores, rows(fold_in), rows(held_out))
    for name in METRICS:
        torch.testing.assert_close(found[name], expected[name], equal_nan=True)


def best(scores: np.ndarray, fold_in: np.ndarray, held_out: np.ndarray, depth: int) -> Lists:
    return lists(torch.from_numpy(scores.copy()), rows(fold_in), rows(held_out), depth)


@pytest.mark.parametrize("k", [1, 5, 30])
@pytest.mark.parametrize("items", [12, 60])
@pytest.mark.filterwarnings("ignore:invalid value encountered in divide")
def test_the_other_metrics_agree_with_trec_eval(items: int, k: int) -> None:
    """trec_eval is given the best k items alone, so that its uncut measures are cut."""
    scores, fold_in, held_out = drawn(40, items, 1)
    found = best(scores, fold_in, held_out, max(k, 10))
    run = {}
    for user in range(len(scores)):
        unseen = np.flatnonzero(~fold_in[user])
        top = unseen[np.argsort(-scores[user, unseen])][:k]
        run[str(user)] = {str(i): float(scores[user, i]) for i in top}
    truth = {str(u): {str(i): 1 for i in np.flatnonzero(held_out[u])} for u in range(len(scores))}
    measures = {"recip_rank", "map", f"success_{k}"}
    evaluated = pytrec_eval.RelevanceEvaluator(truth, measures).evaluate(run)
    targets = held_out.sum(1)
    for metric, name, scale in (
        (MRR(k=k), "recip_rank", np.ones(40)),
        (MAP(k=k), "map", targets / np.minimum(k, targets)),  # theirs divides by all targets
        (HitRate(k=k), f"success_{k}", np.ones(40)),
    ):
        theirs = [evaluated[str(u)][name] if targets[u] else np.nan for u in range(40)]
        np.testing.assert_allclose(metric.values(found).numpy(), np.array(theirs) * scale)


def test_what_the_catalogue_shows_by_other_forms_of_the_formulas() -> None:
    """Sets, the mean difference of all pairs, a cross entropy; not every item is shown."""
    scores, fold_in, held_out = drawn(30, 200, 2)
    popularity = torch.from_numpy(np.random.default_rng(3).integers(1, 50, 200))
    found = best(scores, fold_in, held_out, 20)
    shown = found.items[:, :5].numpy().ravel()
    counts = np.bincount(shown, minlength=200)
    assert Coverage(k=5).value(found, popularity) == len(set(shown.tolist())) / 200
    pairs = np.abs(counts[:, None] - counts[None, :]).sum()
    assert Gini(k=5).value(found, popularity) == pytest.approx(pairs / (2 * 200 * counts.sum()))
    shares = popularity.numpy() / popularity.sum().item()
    cross = scipy.stats.entropy(counts / counts.sum()) + scipy.stats.entropy(
        counts / counts.sum(), shares
    )
    assert Novelty(k=5).value(found, popularity) == pytest.approx(cross / np.log(2))


def test_the_ends_of_the_catalogue_metrics() -> None:
    """The same list for everybody, and every item exactly once."""
    nothing = np.zeros((10, 100), bool)
    same = np.tile(np.arange(100.0), (10, 1))
    one = best(same, nothing, nothing, 10)
    uniform = torch.ones(100)
    assert Coverage(k=1).value(one, uniform) == pytest.approx(0.01)
    assert Gini(k=1).value(one, uniform) == pytest.approx(0.99)
    each = np.stack([np.roll(same[0], 10 * user) for user in range(10)])
    all_items = best(each, nothing, nothing, 10)
    assert Coverage(k=10).value(all_items, uniform) == 1
    assert Gini(k=10).value(all_items, uniform) == pytest.approx(0)
    assert Novelty(k=10).value(all_items, uniform) == pytest.approx(np.log2(100))


def test_items_that_cannot_be_ranked_are_not_shown() -> None:
    """A user who has seen all but one item has a list of one."""
    fold_in = np.ones((1, 30), bool)
    fold_in[0, 4] = False
    found = best(np.zeros((1, 30)), fold_in, ~fold_in, 20)
    assert found.ranked.sum() == 1
    assert Coverage(k=20).value(found, torch.ones(30)) == pytest.approx(1 / 30)


def test_a_longer_list_changes_no_other_metric() -> None:
    """Ties: which of two equal scores comes first may depend on how long the list is."""
    random = np.random.default_rng(0)
    fold_in = np.zeros((20, 500), bool)
    held_out = random.random((20, 500)) < 0.05
    scores = random.integers(0, 4, (20, 500)).astype(np.float32)
    part = HeldOut(rows(fold_in | held_out), rows(fold_in), rows(held_out))

    def values(metrics: dict[str, Metric]) -> np.ndarray:
        def given(users: SparseRows) -> torch.Tensor:
            return torch.from_numpy(scores[: len(users)].copy())

        return ranked(metrics, given, part).examples["ndcg"]

    alone = values({"ndcg": NDCG()})
    np.testing.assert_array_equal(alone, values({"ndcg": NDCG(), "deep": NDCG(k=300)}))
