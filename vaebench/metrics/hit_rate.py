"""Whether there is a hit at all."""

import torch
from torch import Tensor

from vaebench.metrics import Cutoff, Lists, Ranking


class HitRate(Ranking):
    """1 if a held-out item is among the best K, else 0; NaN for a user without held-out items.

    Its mean over users is the hit rate (Deshpande & Karypis 2004, doi:10.1145/963770.963776).
    """

    def __init__(self, *, k: Cutoff = 10) -> None:
        super().__init__(k=k)

    def values(self, lists: Lists) -> Tensor:
        """(U,), each 0 or 1."""
        hit = lists.hits[:, : self.k].amax(1)
        return torch.where(lists.targets > 0, hit, torch.nan)
