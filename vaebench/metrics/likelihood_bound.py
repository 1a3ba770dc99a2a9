"""The importance-weighted bound as a metric."""

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from vaebench.metrics import Likelihood
from vaebench.metrics.importance import importance
from vaebench.models import VAE
from vaebench.sparse import Batch


class LikelihoodBound(Likelihood):
    """L_K = E log (1/K) Σ_k p(x, z_k)/q(z_k|x), nats per example: ELBO ≤ L_K ≤ log p(x).

    See :func:`vaebench.metrics.importance.importance`; K is ``samples``.

    References:
        burda2016

    Example:
        >>> import torch
        >>> from vaebench.metrics.likelihood_bound import LikelihoodBound
        >>> from vaebench.models.bernoulli_mlp import BernoulliMLP
        >>> model, pictures = BernoulliMLP(16, latents=2).eval(), torch.ones(3, 16)
        >>> LikelihoodBound(samples=8).values(model, pictures, torch.Generator()).shape
        torch.Size([3])
    """

    def __init__(self, *, samples: Annotated[int, Field(ge=1)] = 500) -> None:
        self.samples = samples

    def values(self, model: VAE, examples: Batch, noise: torch.Generator) -> Tensor:
        """(U,)."""
        return importance(model, examples, noise, samples=self.samples)["log_likelihood"]
