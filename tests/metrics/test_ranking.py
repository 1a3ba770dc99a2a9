"""NDCG and recall against trec_eval."""

import numpy as np
import pytest
import pytrec_eval
import scipy.sparse
import torch

from vaebench.metrics.ranking import NAMES, from_scores, ranking
from vaebench.models.mult_vae import MultVAE
from vaebench.seeds import torch_stream
from vaebench.sparse import SparseRows


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
    for name in NAMES:
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
    for name in NAMES:
        assert torch.allclose(found[name], torch.ones(2, dtype=torch.float64)), name
    assert torch.equal(scores, kept)


def test_ranking_uses_the_posterior_mean_without_dropout_in_any_chunk() -> None:
    model = MultVAE(60, hidden=8, latents=4)
    model.initialise(torch_stream("weights"))
    model.train()
    _, fold_in, held_out = drawn(30, 60, 5)
    found = ranking(model, rows(fold_in), rows(held_out), chunk=7)
    model.eval()
    with torch.no_grad():
        scores = model.decode(model.encode(rows(fold_in)).mean).logits
    expected = from_scores(scores, rows(fold_in), rows(held_out))
    for name in NAMES:
        torch.testing.assert_close(found[name], expected[name], equal_nan=True)
