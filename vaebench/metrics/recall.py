"""Recall at a cut-off."""

from torch import Tensor

from vaebench.metrics import Cutoff, Lists, Ranking


class Recall(Ranking):
    """Recall@K = Σ_{r ≤ K} hit(r) / min(K, h), h the number of held-out items of the user.

    Liang et al. 2018, arXiv:1802.05814, §4.2: the denominator min(K, h) makes 1 reachable. A user
    without held-out items has none: NaN.

    References:
        liang2018

    Example:
        >>> import torch
        >>> from vaebench.metrics import Lists
        >>> from vaebench.metrics.recall import Recall
        >>> hits = torch.tensor([[0.0, 1.0, 1.0]])
        >>> items, ranked = torch.tensor([[4, 2, 0]]), torch.ones(1, 3, dtype=torch.bool)
        >>> best = Lists(items, hits, ranked, targets=torch.tensor([2]))
        >>> Recall(k=2).values(best).round(decimals=4)
        tensor([0.5000])
    """

    def __init__(self, *, k: Cutoff = 20) -> None:
        super().__init__(k=k)

    def values(self, lists: Lists) -> Tensor:
        """(U,) in [0, 1]."""
        return lists.hits[:, : self.k].sum(1) / lists.targets.clamp(max=self.k)
