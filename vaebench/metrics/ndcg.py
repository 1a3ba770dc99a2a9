"""Normalised discounted cumulative gain."""

import torch
from torch import Tensor

from vaebench.metrics import Lists, Ranking


class NDCG(Ranking):
    """NDCG@K = Σ_{r ≤ K} hit(r)/log2(r + 1) / Σ_{r ≤ min(h, K)} 1/log2(r + 1).

    hit(r) is 1 if the item at rank r is held out, h the number of held-out items of the user
    (Järvelin & Kekäläinen 2002, doi:10.1145/582415.582418, with binary relevance; as in Liang et
    al. 2018, arXiv:1802.05814, §4.2). A user without held-out items has none: NaN.

    References:
        jarvelin2002, liang2018

    Example:
        >>> import torch
        >>> from vaebench.metrics import Lists
        >>> from vaebench.metrics.ndcg import NDCG
        >>> hits = torch.tensor([[0.0, 1.0, 1.0]])
        >>> items, ranked = torch.tensor([[4, 2, 0]]), torch.ones(1, 3, dtype=torch.bool)
        >>> best = Lists(items, hits, ranked, targets=torch.tensor([2]))
        >>> NDCG(k=2).values(best).round(decimals=4)
        tensor([0.3869], dtype=torch.float64)
    """

    def values(self, lists: Lists) -> Tensor:
        """(U,) in [0, 1]."""
        hits = lists.hits[:, : self.k]
        ranks = torch.arange(2, self.k + 2, device=hits.device).double()
        discounts = 1 / torch.log2(ranks)
        ideal = torch.cat([discounts.new_zeros(1), discounts.cumsum(0)])
        gain = (hits * discounts[: hits.shape[1]]).sum(1)
        return gain / ideal[lists.targets.clamp(max=self.k)]
