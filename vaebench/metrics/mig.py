"""The mutual information gap."""

from typing import Annotated

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from vaebench.metrics import Representation
from vaebench.metrics.factors import mean_gap


class MIG(Representation):
    """Mean over factors v_k of (I(z_j*; v_k) − I(z_j°; v_k))/H(v_k), in [0, 1].

    j* and j° are the latents that know most and second most of factor k. Chen et al. 2018,
    arXiv:1802.04942, §4.1. The information is that of the posterior means in ``bins`` bins of equal
    width, as in Locatello et al. 2019, arXiv:1811.12359, appendix C. It is 1 if every factor has a
    latent that says all of it and no other latent says anything.

    Example:
        >>> import torch
        >>> from vaebench.metrics.mig import MIG
        >>> factors = torch.cartesian_prod(torch.arange(3), torch.arange(4))
        >>> round(MIG().value(factors.double(), factors, torch.Generator()), 6)
        1.0
    """

    def __init__(self, *, bins: Annotated[int, Field(ge=2, le=1_000)] = 20) -> None:
        self.bins = bins

    def value(self, codes: Tensor, factors: Tensor, noise: torch.Generator) -> float:  # noqa: ARG002
        """In [0, 1]."""
        from sklearn.metrics import mutual_info_score  # noqa: PLC0415 (a second of imports)

        binned = [_bins(column, self.bins) for column in codes.numpy().T]
        values = factors.numpy().T
        shares = [
            [mutual_info_score(v, z) / max(mutual_info_score(v, v), 1e-12) for v in values]
            for z in binned
        ]
        return mean_gap(np.array(shares))


def _bins(column: np.ndarray, bins: int) -> np.ndarray:
    """The bin of each value; a constant is in one bin."""
    edges = np.linspace(column.min(), column.max(), bins + 1)[1:-1]
    return np.digitize(column, edges)
