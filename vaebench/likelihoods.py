"""Likelihoods p(x|z): distributions over examples, in nats, summed over items or pixels."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable

from vaebench.sparse import SparseRows


class _MultinomialLogProb(torch.autograd.Function):
    """log p(x) = Σ_i x_i s_i − n·logsumexp(s); ∂/∂s = x − n·softmax(s), without a dense x."""

    @staticmethod
    def forward(
        ctx: FunctionCtx, logits: Tensor, x: SparseRows
    ) -> Tensor:
        normaliser = torch.logsumexp(logits, 1)
        ctx.x = x  # type: ignore[attr-defined]
        ctx.save_for_backward(logits, normaliser)  # type: ignore[attr-defined]
        return x.row_sums(logits[x.rows, x.indices] * x.values) - x.counts * normaliser

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, grad: Tensor) -> tuple[Tensor, None]:  # type: ignore[override]
        logits, normaliser = ctx.saved_tensors  # type: ignore[attr-defined]
        x: SparseRows = ctx.x  # type: ignore[attr-defined]
        out = torch.exp(logits - normaliser[:, None])
        out *= (-grad * x.counts)[:, None]
        out[x.rows, x.indices] += grad[x.rows] * x.values
        return out, None


@dataclass(frozen=True)
class Multinomial:
    """p(x) ∝ Π_i softmax(logits)_i^{x_i}, logits (B, I).

    As in Mult-VAE (Liang et al. 2018, eq. 2) without the multinomial coefficient, which depends on
    neither parameters nor z: it is the probability of a user's interactions in a given order.
    """

    logits: Tensor

    def log_prob(self, x: SparseRows) -> Tensor:
        """Σ_i x_i log softmax(logits)_i, (B,), nats per user."""
        return _MultinomialLogProb.apply(self.logits, x)


@dataclass(frozen=True)
class Bernoulli:
    """Independent Bernoulli pixels with the given logits (B, F)."""

    logits: Tensor

    def log_prob(self, x: Tensor) -> Tensor:
        """Σ_f x_f log p_f + (1 − x_f) log(1 − p_f), (B,), nats per image."""
        softplus = torch.nn.functional.softplus(self.logits)
        return (x * self.logits - softplus).sum(1)


Likelihood = Multinomial | Bernoulli
