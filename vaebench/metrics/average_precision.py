"""Average precision, whose mean over users is MAP."""

import torch
from torch import Tensor

from vaebench.metrics import Lists, Ranking


class MAP(Ranking):
    """AP@K = (1/min(K, h)) Σ_{r ≤ K} hit(r) · (Σ_{s ≤ r} hit(s))/r, h the held-out items.

    Its mean over users is MAP@K (Manning, Raghavan & Schütze 2008, *Introduction to Information
    Retrieval*, §8.4); the denominator min(K, h) makes 1 reachable. A user without held-out items
    has none: NaN.

    References:
        manning2008

    Example:
        >>> import torch
        >>> from vaebench.metrics import Lists
        >>> from vaebench.metrics.average_precision import MAP
        >>> hits = torch.tensor([[0.0, 1.0, 1.0]])
        >>> items, ranked = torch.tensor([[4, 2, 0]]), torch.ones(1, 3, dtype=torch.bool)
        >>> best = Lists(items, hits, ranked, targets=torch.tensor([2]))
        >>> MAP(k=2).values(best).round(decimals=4)
        tensor([0.2500], dtype=torch.float64)
    """

    def values(self, lists: Lists) -> Tensor:
        """(U,) in [0, 1]."""
        hits = lists.hits[:, : self.k]
        ranks = torch.arange(1, hits.shape[1] + 1, device=hits.device).double()
        return (hits * hits.cumsum(1) / ranks).sum(1) / lists.targets.clamp(max=self.k)
