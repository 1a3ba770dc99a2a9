"""Estimators of the bound that training climbs: SGVB A and B with L samples, importance weights.

Each draws D and R of a batch sample by sample and says what the loss is for a weight β. At β = 1,
minus the loss is an unbiased estimate of the ELBO (A, B) or of L_K (importance weights).
"""

import math
from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor

from vaebench.errors import ConfigError
from vaebench.models import VAE
from vaebench.sparse import Batch
from vaebench.strategies import Strategy
from vaebench.strategies.constant import Constant

Kind = Literal["sgvb_a", "sgvb_b", "importance"]

Samples = Annotated[int, Field(ge=1)]
"""L or K, the samples of z per example."""

COPIES = 4
"""Numbers alive per sample, example and feature while gradients are taken: logits, their gradient,
and what the likelihood keeps."""


@dataclass(frozen=True)
class Terms:
    """What an update drew, differentiable.

    Attributes:
        distortions: (L, B) −log p(x|z_l), nats.
        rates: (L, B, Z), or (1, B, Z) where one value holds for all samples; nats.
    """

    distortions: Tensor
    rates: Tensor

    @property
    def distortion(self) -> Tensor:
        """The mean over samples, (B,)."""
        return self.distortions.mean(0)

    @property
    def rate(self) -> Tensor:
        """The mean over samples, (B, Z)."""
        return self.rates.mean(0)


@dataclass(frozen=True)
class Estimator:
    """How D and R are estimated and combined; the default is the loop of algorithm 1.

    Attributes:
        kind: ``sgvb_b``: R in closed form where the model has one (Kingma & Welling 2013,
            arXiv:1312.6114, eq. 7). ``sgvb_a``: R_j = log q(z_j|x) − log p(z_j) at the samples (eq.
            6): the same expectation, a higher variance until q is near the true posterior, and none
            there. ``importance``: the objective of Burda et
            al. 2016 (arXiv:1509.00519, eq. 8).
        samples: L, or K.
    """

    kind: Kind = "sgvb_b"
    samples: int = 1

    def draw(self, model: VAE, x: Batch, noise: torch.Generator) -> Terms:
        """One encoding of x (B, ·), ``samples`` decodings, the last of which follows the batch."""
        posterior = model.encode(x, noise)
        # a model without a closed form estimates its rate at z anyway
        own = self.kind == "sgvb_b" or type(model).rate is not VAE.rate
        prior = model.prior()
        distortions, rates = [], []
        for _ in range(self.samples):
            z = posterior.rsample(noise)
            likelihood = model.decode(z)
            distortions.append(-likelihood.log_prob(x))
            rates.append(
                model.rate(x, posterior, z) if own else posterior.log_prob(z) - prior.log_prob(z)
            )
        likelihood.follow(x)
        return Terms(torch.stack(distortions), torch.stack(rates))

    def loss(self, terms: Terms, beta: Tensor) -> Tensor:
        """The loss of every example, (B,), nats; ``beta`` broadcasts to (B, Z).

        A and B: D̄ + Σ_j β_j R̄_j. Importance: −log (1/K) Σ_k exp(−D_k − Σ_j β_j R_kj), which for one
        sample is A, and for β = 1 minus L_K. For another β and K > 1 it bounds nothing, so training
        refuses it: see :meth:`check_weight`.
        """
        if self.kind != "importance":
            return terms.distortion + (beta * terms.rate).sum(1)
        log_weights = -terms.distortions - (beta * terms.rates).sum(2)
        return math.log(self.samples) - torch.logsumexp(log_weights, 0)

    def check_weight(self, strategy: Strategy) -> None:
        """Refuse importance weights of several samples for any β but a constant 1.

        There Σ_k exp(−D_k − βR_k) is neither the bound of Burda et al. nor, as with A and B, the
        weighted sum of distortion and rate that a strategy is about.

        Raises:
            ConfigError: the strategy is another one.
        """
        plain = isinstance(strategy, Constant) and strategy.beta == 1
        if self.kind == "importance" and self.samples > 1 and not plain:
            raise ConfigError(
                f"training.estimator: 'importance' with {self.samples} samples is a bound for "
                f"β = 1 alone, and {type(strategy).__name__} may have another β; allowed: "
                "sgvb_a, sgvb_b, samples: 1, or the strategy constant.Constant with beta: 1"
            )

    def check_memory(self, batch_size: int, features: int, free: int | None) -> None:
        """Refuse what cannot be held, before training.

        Args:
            batch_size: B.
            features: items or pixels.
            free: bytes that are free; None where nobody knows.

        Raises:
            ConfigError: K · B decoded examples need more.
        """
        each = 4 * COPIES * batch_size * features
        needed = self.samples * each
        if free is not None and self.samples > 1 and needed > free:
            raise ConfigError(
                f"training.samples: {self.samples} samples of {batch_size} examples with "
                f"{features} features need about {needed / 1e9:.1f} GB, but {free / 1e9:.1f} GB "
                f"are free; allowed here: at most {max(1, free // each)}"
            )
