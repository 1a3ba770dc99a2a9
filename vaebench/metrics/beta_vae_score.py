"""The score of β-VAE: which factor did the pairs share?"""

from typing import Annotated

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from vaebench.metrics import Representation
from vaebench.metrics.factors import Alike, generator


class BetaVAEScore(Representation):
    """Accuracy of a linear classifier that names the factor which pairs of pictures share.

    A point is the mean of abs(z − z′) over ``pairs`` pairs that agree in one factor, drawn for each
    point, and differ at random in the others. Half of the ``points`` train a logistic regression,
    the others test it. Higgins et al. 2017, https://openreview.net/forum?id=Sy2fzU9gl, §3 and
    appendix A.4; Locatello et al. 2019, arXiv:1811.12359, have 64 pairs and 15,000 points. Chance
    is 1/F.

    Example:
        >>> import torch
        >>> from vaebench.metrics.beta_vae_score import BetaVAEScore
        >>> factors = torch.cartesian_prod(torch.arange(3), torch.arange(4))
        >>> noise = torch.Generator().manual_seed(0)
        >>> BetaVAEScore(points=200).value(factors.double(), factors, noise)
        1.0
    """

    def __init__(
        self,
        *,
        pairs: Annotated[int, Field(ge=1, le=10_000)] = 64,
        points: Annotated[int, Field(ge=20, le=100_000)] = 2_000,
    ) -> None:
        self.pairs, self.points = pairs, points

    def value(self, codes: Tensor, factors: Tensor, noise: torch.Generator) -> float:
        """In [0, 1]."""
        from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 (a second of imports)

        some, known, alike = generator(noise), codes.numpy(), Alike(factors.numpy())
        shared = some.integers(factors.shape[1], size=self.points)
        means = np.empty((self.points, codes.shape[1]))
        for point, factor in enumerate(shared):
            first = some.integers(len(known), size=self.pairs)
            second = alike.drawn(factor, first, some)
            means[point] = np.abs(known[first] - known[second]).mean(0)
        half = self.points // 2
        classifier = LogisticRegression(max_iter=5_000).fit(means[:half], shared[:half])
        return float((classifier.predict(means[half:]) == shared[half:]).mean())
