"""Ranking quality of held-out items, per user, by the Mult-VAE protocol."""

import torch
from torch import Tensor

from vaebench.metrics import Values
from vaebench.models import VAE
from vaebench.sparse import SparseRows

NDCG_AT = 100
RECALL_AT = (20, 50)
NAMES = [f"ndcg@{NDCG_AT}", *(f"recall@{k}" for k in RECALL_AT)]
"""The metrics of the protocol: Liang et al. 2018, arXiv:1802.05814, §4.2."""


def from_scores(scores: Tensor, fold_in: SparseRows, held_out: SparseRows) -> Values:
    """NDCG@100, Recall@20 and Recall@50 of ranking all items by ``scores`` (U, I).

    The fold-in items of a user score −∞; every other item is ranked. With hit(r) = 1 if the item
    at rank r is held out and h the number of held-out items of the user,

        NDCG@K = Σ_{r ≤ K} hit(r)/log2(r + 1) / Σ_{r ≤ min(h, K)} 1/log2(r + 1)
        Recall@K = Σ_{r ≤ K} hit(r) / min(K, h)

    A user without held-out items has no ranking quality: NaN, for the caller to leave out and to
    count. The fold-in's scores are overwritten. Where there are fewer than K items, all are ranked.
    """
    scores[fold_in.rows, fold_in.indices] = -torch.inf
    depth = min(max(NDCG_AT, *RECALL_AT), scores.shape[1])
    top_scores, top = torch.topk(scores, depth)
    hits = (held_out.contains(top) & (top_scores > -torch.inf)).double()
    targets = held_out.lengths
    discounts = 1 / torch.log2(torch.arange(2, NDCG_AT + 2, device=scores.device).double())
    ideal = torch.cat([discounts.new_zeros(1), discounts.cumsum(0)])
    ndcg = (hits * discounts[:depth]).sum(1) / ideal[targets.clamp(max=NDCG_AT)]
    recalls = [hits[:, :k].sum(1) / targets.clamp(max=k) for k in RECALL_AT]
    return dict(zip(NAMES, [ndcg, *recalls], strict=True))


@torch.no_grad()
def ranking(model: VAE, fold_in: SparseRows, held_out: SparseRows, *, chunk: int = 500) -> Values:
    """Rank by the logits at z = μ(fold-in), in evaluation mode; see :func:`from_scores`."""
    model.eval()
    parts = []
    for chosen in torch.arange(len(fold_in)).split(chunk):
        seen = fold_in[chosen]
        scores = model.decode(model.encode(seen).mean).logits
        parts.append(from_scores(scores, seen, held_out[chosen]))
    return {name: torch.cat([part[name] for part in parts]) for name in NAMES}
