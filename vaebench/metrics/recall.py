"""Recall at a cut-off."""

from torch import Tensor

from vaebench.metrics import Cutoff, Lists, Ranking


class Recall(Ranking):
    """Recall@K = Σ_{r ≤ K} hit(r) / min(K, h), h the number of held-out items of the user.

    Liang et al. 2018, arXiv:1802.05814, §4.2: the denominator min(K, h) makes 1 reachable. A user
    without held-out items has none: NaN.
    """

    def __init__(self, *, k: Cutoff = 20) -> None:
        super().__init__(k=k)

    def values(self, lists: Lists) -> Tensor:
        """(U,) in [0, 1]."""
        return lists.hits[:, : self.k].sum(1) / lists.targets.clamp(max=self.k)
