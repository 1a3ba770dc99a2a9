"""How little known the shown items are."""

import torch
from torch import Tensor

from vaebench.metrics import Catalogue, Lists


class Novelty(Catalogue):
    """The mean of −log2 p(i) over all shown items, p(i) = item's share of training interactions.

    Mean self-information, in bits (Zhou et al. 2010, doi:10.1073/pnas.1000488107; Vargas & Castells
    2011, doi:10.1145/2043932.2043955). Every item of the vocabulary has at least one training
    interaction.
    """

    def value(self, lists: Lists, popularity: Tensor) -> float:
        """≥ 0, bits."""
        shown = lists.items[:, : self.k][lists.ranked[:, : self.k]]
        share = popularity.double() / popularity.double().sum()
        return -torch.log2(share[shown]).mean().item()
