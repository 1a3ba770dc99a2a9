"""How much of the catalogue is shown to anybody."""

import torch
from torch import Tensor

from vaebench.metrics import Catalogue, Lists


class Coverage(Catalogue):
    """The share of the I items that are among the best K of at least one test user.

    Catalogue coverage of Ge, Delgado-Battenfeld & Jannach 2010 (doi:10.1145/1864708.1864761). It
    depends on the number of test users: compare it within a data set alone.

    References:
        ge2010

    Example:
        >>> import torch
        >>> from vaebench.metrics import Lists
        >>> from vaebench.metrics.coverage import Coverage
        >>> hits = torch.tensor([[0.0, 1.0, 1.0]])
        >>> items, ranked = torch.tensor([[4, 2, 0]]), torch.ones(1, 3, dtype=torch.bool)
        >>> best = Lists(items, hits, ranked, targets=torch.tensor([2]))
        >>> popularity = torch.tensor([1, 1, 2, 1, 3])
        >>> round(Coverage(k=2).value(best, popularity), 4)
        0.4
    """

    def value(self, lists: Lists, popularity: Tensor) -> float:
        """In [0, 1]."""
        shown = lists.items[:, : self.k][lists.ranked[:, : self.k]]
        return len(torch.unique(shown)) / len(popularity)
