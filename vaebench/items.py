"""The first layer of every model of interactions."""

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding_bag

from vaebench.sparse import SparseRows


class Items(nn.Module):
    """x/‖x‖₂ with inverted dropout, times W, plus b: (B, I) sparse → (B, H).

    A weighted sum of the rows of W that belong to a user's items: on sparse input that is the dense
    product without its zeros, and dropping stored entries is the published inverted dropout, since
    a zero stays zero (Liang et al. 2018, arXiv:1802.05814, and the authors' notebook).
    """

    def __init__(self, features: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(features, hidden))
        self.bias = nn.Parameter(torch.empty(hidden))
        self.dropout = dropout

    def forward(self, x: SparseRows, noise: torch.Generator | None = None) -> Tensor:
        """(B, H); entries are dropped in training mode alone, drawn from ``noise``."""
        norms = torch.sqrt(x.row_sums(x.values**2)).clamp_min(1e-12)
        weights = x.values / norms[x.rows]
        if self.training and self.dropout > 0:
            uniform = torch.empty_like(weights).uniform_(generator=noise)
            weights = weights * (uniform >= self.dropout) / (1 - self.dropout)
        return self.bias + embedding_bag(
            x.indices, self.weight, x.offsets[:-1], mode="sum", per_sample_weights=weights
        )
