"""The score of FactorVAE: which latent stands still?"""

from typing import Annotated

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from vaebench.metrics import Representation
from vaebench.metrics.factors import Alike, generator


class FactorVAEScore(Representation):
    """Accuracy of a majority vote that names the shared factor from the stillest latent.

    A vote is the latent with the smallest variance over ``pictures`` pictures that agree in one
    factor, in units of its variance over all. Half of the ``votes`` make a table from latent to
    factor, the others test it. Kim & Mnih 2018, arXiv:1802.05983, §4; Locatello et al. 2019,
    arXiv:1811.12359, have 64 pictures and 15,000 votes. Latents that never vary have no vote; if
    all are so the score is 0.

    Example:
        >>> import torch
        >>> from vaebench.metrics.factor_vae_score import FactorVAEScore
        >>> factors = torch.cartesian_prod(torch.arange(3), torch.arange(4))
        >>> noise = torch.Generator().manual_seed(0)
        >>> FactorVAEScore(votes=200).value(factors.double(), factors, noise)
        1.0
    """

    def __init__(
        self,
        *,
        pictures: Annotated[int, Field(ge=2, le=10_000)] = 64,
        votes: Annotated[int, Field(ge=20, le=100_000)] = 2_000,
    ) -> None:
        self.pictures, self.votes = pictures, votes

    def value(self, codes: Tensor, factors: Tensor, noise: torch.Generator) -> float:
        """In [0, 1]."""
        some, known, alike = generator(noise), codes.numpy(), Alike(factors.numpy())
        varying = known.std(0) > 0
        if not varying.any():
            return 0.0
        scaled = known[:, varying] / known[:, varying].std(0)
        half = self.votes // 2
        table = np.zeros((2, scaled.shape[1], factors.shape[1]), dtype=np.int64)
        for vote in range(self.votes):
            factor = int(some.integers(factors.shape[1]))
            first = np.full(self.pictures, some.integers(len(scaled)))
            stillest = scaled[alike.drawn(factor, first, some)].var(0).argmin()
            table[int(vote >= half), stillest, factor] += 1
        named = table[0].argmax(1)
        return float(table[1][np.arange(len(named)), named].sum() / table[1].sum())
