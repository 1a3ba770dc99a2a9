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
from vaebench.models import RATE, VAE, Cases
from vaebench.sparse import Batch, contents
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
        penalties: (L, B, P) what β weighs; None where that is the rate.
        extras: (L, B) terms of the loss that no β weighs; None where there are none.
    """

    distortions: Tensor
    rates: Tensor
    penalties: Tensor | None = None
    extras: Tensor | None = None

    @property
    def distortion(self) -> Tensor:
        """The mean over samples, (B,)."""
        return self.distortions.mean(0)

    @property
    def rate(self) -> Tensor:
        """The mean over samples, (B, Z)."""
        return self.rates.mean(0)

    @property
    def penalty(self) -> Tensor:
        """What β weighs, the mean over samples, (B, P)."""
        return (self.rates if self.penalties is None else self.penalties).mean(0)


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
        """One encoding of x (B, ·), ``samples`` decodings, the last of which follows the batch.

        Of a model that sums something out the weighted means over its cases.
        """
        cases = model.cases(x)
        if cases is None:
            return self._draw(model, x, noise)
        return averaged(self._draw(model, cases.x, noise), cases)

    def _draw(self, model: VAE, x: Batch, noise: torch.Generator) -> Terms:
        posterior = model.encode(x, noise)
        # a model without a closed form estimates its rate at z anyway
        own = self.kind == "sgvb_b" or type(model).rate is not VAE.rate
        given = model.given(x)
        prior = model.prior_of(given)
        distortions, rates, penalties, extras = [], [], [], []
        for _ in range(self.samples):
            z = posterior.rsample(noise)
            likelihood = model.likelihood_of(z, given)
            distortions.append(-likelihood.log_prob(contents(x)))
            rates.append(
                model.rate(x, posterior, z) if own else posterior.log_prob(z) - prior.log_prob(z)
            )
            if model.weighs != RATE:
                penalties.append(model.penalty(x, posterior, z))
            extra = model.extra(x, posterior, z)
            if extra is not None:
                extras.append(extra)
        likelihood.follow(contents(x))
        return Terms(
            torch.stack(distortions),
            torch.stack(rates),
            torch.stack(penalties) if penalties else None,
            torch.stack(extras) if extras else None,
        )

    def loss(self, terms: Terms, beta: Tensor) -> Tensor:
        """The loss of every example, (B,), nats; ``beta`` broadcasts to (B, P).

        A and B: D̄ + Σ_j β_j P̄_j, where P is what β weighs, the rate R of most models, and the
        model's extra term, if it has one. Importance: −log (1/K) Σ_k exp(−D_k − Σ_j β_j R_kj),
        which for one sample is A, and for β = 1 minus L_K. For another β and K > 1 it bounds
        nothing, so training refuses it: see :meth:`check_weight`.
        """
        if self.kind != "importance":
            loss = terms.distortion + (beta * terms.penalty).sum(1)
            return loss if terms.extras is None else loss + terms.extras.mean(0)
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

    def check_model(self, model: VAE) -> None:
        """Refuse importance weights where the loss is not made of distortion and rate.

        Raises:
            ConfigError: β weighs something else, or the model has an extra term or sums over cases.
        """
        own = type(model)
        plain = model.weighs == RATE and own.extra is VAE.extra and own.cases is VAE.cases
        if self.kind == "importance" and not plain:
            raise ConfigError(
                "training.estimator: 'importance' weighs examples by distortion and rate, and "
                f"{type(model).__name__} trains with another penalty; allowed: sgvb_a, sgvb_b"
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


def averaged(terms: Terms, cases: Cases) -> Terms:
    """The weighted means over the cases of each example, with what the cases add."""
    weights = cases.weights

    def over(values: Tensor) -> Tensor:
        apart = values.unflatten(1, weights.shape)  # (L, B, C, …)
        return (apart * weights.view(*weights.shape, *[1] * (apart.dim() - 3))).sum(2)

    rates = over(terms.rates)
    further = cases.rate.expand(len(rates), *cases.rate.shape)
    return Terms(
        over(terms.distortions),
        torch.cat([rates, further], 2),
        None if terms.penalties is None else over(terms.penalties),
        cases.extra[None] if terms.extras is None else over(terms.extras) + cases.extra,
    )
