"""The reciprocal rank of the first hit."""

import torch
from torch import Tensor

from vaebench.metrics import Lists, Ranking


class MRR(Ranking):
    """1/r with r the rank of the first held-out item, 0 if none is among the best K.

    Its mean over users is the mean reciprocal rank (Voorhees 1999, TREC-8, "The TREC-8 question
    answering track report"). A user without held-out items has none: NaN.

    References:
        voorhees1999

    Example:
        >>> import torch
        >>> from vaebench.metrics import Lists
        >>> from vaebench.metrics.reciprocal_rank import MRR
        >>> hits = torch.tensor([[0.0, 1.0, 1.0]])
        >>> items, ranked = torch.tensor([[4, 2, 0]]), torch.ones(1, 3, dtype=torch.bool)
        >>> best = Lists(items, hits, ranked, targets=torch.tensor([2]))
        >>> MRR(k=2).values(best).round(decimals=4)
        tensor([0.5000], dtype=torch.float64)
    """

    def values(self, lists: Lists) -> Tensor:
        """(U,) in [0, 1]."""
        hits = lists.hits[:, : self.k]
        ranks = torch.arange(1, hits.shape[1] + 1, device=hits.device).double()
        best = (hits / ranks).max(1).values
        return torch.where(lists.targets > 0, best, torch.nan)
