"""Likelihoods p(x|z): distributions over examples, in nats, summed over items or pixels."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from vaebench.sparse import SparseRows


class _MultinomialLogProb(torch.autograd.Function):
    """log p(x) = Σ_i x_i s_i − n·logsumexp(s); ∂/∂s = x − n·softmax(s), without a dense x."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, x: SparseRows) -> Tensor:  # noqa: ANN401
        normaliser = torch.logsumexp(logits, 1)
        ctx.x = x
        ctx.save_for_backward(logits, normaliser)
        return x.row_sums(logits[x.rows, x.indices] * x.values) - x.counts * normaliser

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:  # noqa: ANN401
        logits, normaliser = ctx.saved_tensors
        x: SparseRows = ctx.x
        out = torch.exp(logits - normaliser[:, None])
        out *= (-grad * x.counts)[:, None]
        out[x.rows, x.indices] += grad[x.rows] * x.values
        return out, None


@dataclass(frozen=True)
class Likelihood(ABC):
    """p(x|z) for each z of a batch, given by logits (B, I)."""

    logits: Tensor

    @abstractmethod
    def log_prob(self, x: Any) -> Tensor:  # noqa: ANN401 (each likelihood has its kind of x)
        """Log p(x|z), (B,), nats per example."""


@dataclass(frozen=True)
class Multinomial(Likelihood):
    """p(x) ∝ Π_i softmax(logits)_i^{x_i}, logits (B, I).

    As in Mult-VAE (Liang et al. 2018, eq. 2) without the multinomial coefficient, which depends on
    neither parameters nor z: it is the probability of a user's interactions in a given order.
    """

    def log_prob(self, x: SparseRows) -> Tensor:
        """Σ_i x_i log softmax(logits)_i, (B,), nats per user."""
        return _MultinomialLogProb.apply(self.logits, x)


@dataclass(frozen=True)
class Bernoulli(Likelihood):
    """Independent Bernoulli pixels with the given logits (B, F)."""

    def log_prob(self, x: Tensor) -> Tensor:
        """Σ_f x_f log p_f + (1 − x_f) log(1 − p_f), (B,), nats per image."""
        softplus = torch.nn.functional.softplus(self.logits)
        return (x * self.logits - softplus).sum(1)
