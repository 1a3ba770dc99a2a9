"""How little known the shown items are."""

import torch
from torch import Tensor

from vaebench.metrics import Catalogue, Lists


class Novelty(Catalogue):
    """The mean of −log2 p(i) over all shown items, p(i) = item's share of training interactions.

    Mean self-information, in bits (Zhou et al. 2010, doi:10.1073/pnas.1000488107; Vargas & Castells
    2011, doi:10.1145/2043932.2043955). Every item of the vocabulary has at least one training
    interaction.

    References:
        zhou2010, vargas2011

    Example:
        >>> import torch
        >>> from vaebench.metrics import Lists
        >>> from vaebench.metrics.novelty import Novelty
        >>> hits = torch.tensor([[0.0, 1.0, 1.0]])
        >>> items, ranked = torch.tensor([[4, 2, 0]]), torch.ones(1, 3, dtype=torch.bool)
        >>> best = Lists(items, hits, ranked, targets=torch.tensor([2]))
        >>> popularity = torch.tensor([1, 1, 2, 1, 3])
        >>> round(Novelty(k=2).value(best, popularity), 4)
        1.7075
    """

    def value(self, lists: Lists, popularity: Tensor) -> float:
        """≥ 0, bits."""
        shown = lists.items[:, : self.k][lists.ranked[:, : self.k]]
        share = popularity.double() / popularity.double().sum()
        return -torch.log2(share[shown]).mean().item()
