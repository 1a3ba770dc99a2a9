"""How unequally items are shown."""

import torch
from torch import Tensor

from vaebench.metrics import Catalogue, Lists


class Gini(Catalogue):
    """Gini's coefficient of how often each item is among the best K of a test user.

    G = Σ_j (2j − I − 1) c_(j) / (I Σ_j c_j) with the counts c of the I items in ascending order: 0
    if all are shown equally often, (I − 1)/I if one item is all that is shown (Shani & Gunawardana
    2011, *Recommender Systems Handbook*, §8.3.8, there for the distribution of recommendations).

    References:
        shani2011

    Example:
        >>> import torch
        >>> from vaebench.metrics import Lists
        >>> from vaebench.metrics.gini import Gini
        >>> hits = torch.tensor([[0.0, 1.0, 1.0]])
        >>> items, ranked = torch.tensor([[4, 2, 0]]), torch.ones(1, 3, dtype=torch.bool)
        >>> best = Lists(items, hits, ranked, targets=torch.tensor([2]))
        >>> popularity = torch.tensor([1, 1, 2, 1, 3])
        >>> round(Gini(k=2).value(best, popularity), 4)
        0.6
    """

    better = "lower"

    def value(self, lists: Lists, popularity: Tensor) -> float:
        """In [0, 1)."""
        items = len(popularity)
        shown = lists.items[:, : self.k][lists.ranked[:, : self.k]]
        counts = torch.bincount(shown, minlength=items).double().sort().values
        weights = 2 * torch.arange(1, items + 1, device=counts.device).double() - items - 1
        return ((weights * counts).sum() / (items * counts.sum())).item()
