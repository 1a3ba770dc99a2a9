"""Whether there is a hit at all."""

import torch
from torch import Tensor

from vaebench.metrics import Cutoff, Lists, Ranking


class HitRate(Ranking):
    """1 if a held-out item is among the best K, else 0; NaN for a user without held-out items.

    Its mean over users is the hit rate (Deshpande & Karypis 2004, doi:10.1145/963770.963776).

    References:
        deshpande2004

    Example:
        >>> import torch
        >>> from vaebench.metrics import Lists
        >>> from vaebench.metrics.hit_rate import HitRate
        >>> hits = torch.tensor([[0.0, 1.0, 1.0]])
        >>> items, ranked = torch.tensor([[4, 2, 0]]), torch.ones(1, 3, dtype=torch.bool)
        >>> best = Lists(items, hits, ranked, targets=torch.tensor([2]))
        >>> HitRate(k=2).values(best).round(decimals=4)
        tensor([1.])
    """

    def __init__(self, *, k: Cutoff = 10) -> None:
        super().__init__(k=k)

    def values(self, lists: Lists) -> Tensor:
        """(U,), each 0 or 1."""
        hit = lists.hits[:, : self.k].amax(1)
        return torch.where(lists.targets > 0, hit, torch.nan)
