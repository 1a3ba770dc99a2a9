"""Likelihoods p(x|z): distributions over examples, in nats, summed over items or pixels."""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from vaebench.errors import DataError
from vaebench.sparse import SparseRows

CACHED_VALUES = 2**19
"""On a CPU, narrow logits are passed over in blocks of so many values, 2 MiB as float32: what two
cores keep beside themselves."""


def _blocks(values: Tensor, logits: Tensor) -> tuple[Tensor, ...]:
    """Views of consecutive rows: on a CPU narrow ones small enough for a cache, else all rows."""
    if _wide_type(logits) == logits.dtype or logits.device.type != "cpu":
        return (values,)
    return values.split(max(1, CACHED_VALUES // logits.shape[1]))


def _wide_type(values: Tensor) -> torch.dtype:
    """At least float32."""
    return torch.promote_types(values.dtype, torch.float32)


class _MultinomialLogProb(torch.autograd.Function):
    """log p(x) = Σ_i x_i s_i − n·logsumexp(s); ∂/∂s = x − n·softmax(s), without a dense x.

    (B, I) is the largest tensor of training: on a CPU every pass over it costs as much as many
    layers. One exponential a logit is enough: softmax gives p, and at the largest logit s_max of a
    row, where p ≥ 1/I has all its digits, logsumexp = s_max − log p_max. The gradient is written
    over p; torch refuses a second backward through it with an error. Sums are float32 also where
    the logits are bfloat16.
    """

    @staticmethod
    def forward(ctx: Any, logits: Tensor, x: SparseRows) -> Tensor:  # noqa: ANN401
        logits = logits.contiguous()
        wide = _wide_type(logits)
        shares, normalisers = torch.empty_like(logits), []
        for block, share in zip(_blocks(logits, logits), _blocks(shares, logits), strict=True):
            if wide == logits.dtype:
                found = torch.softmax(block, 1, out=share)
            else:
                found = torch.softmax(block, 1, dtype=wide)
                share.copy_(found)
            normalisers.append(block.amax(1).to(wide) - found.amax(1).log())
        ctx.x = x
        ctx.save_for_backward(shares)
        scores = logits.view(-1).index_select(0, x.places).to(wide) * x.values
        return x.row_sums(scores) - x.counts * torch.cat(normalisers)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:  # noqa: ANN401
        (shares,) = ctx.saved_tensors
        x: SparseRows = ctx.x
        scale = (-grad * x.counts).unsqueeze(1)
        for share, factor in zip(_blocks(shares, shares), _blocks(scale, shares), strict=True):
            share.mul_(factor)
        shares.view(-1).index_add_(
            0, x.places, (grad.index_select(0, x.rows) * x.values).to(shares.dtype)
        )
        return shares, None


@dataclass(frozen=True)
class Likelihood(ABC):
    """p(x|z) for each z of a batch, given by logits (B, I)."""

    logits: Tensor

    @abstractmethod
    def log_prob(self, x: Any) -> Tensor:  # noqa: ANN401 (each likelihood has its kind of x)
        """Log p(x|z), (B,), nats per example. Pure: it writes nothing."""

    def follow(self, x: Any) -> None:  # noqa: ANN401, B027 (most have nothing to follow)
        """Move what follows the training batches and is no parameter; by default nothing.

        An update of training calls it once, after :meth:`log_prob`.
        """

    def check(self, x: Any) -> None:  # noqa: ANN401, B027 (most have nothing to refuse)
        """Refuse examples outside the support, before training; by default there are none.

        Raises:
            DataError: says which value is outside, and what is allowed.
        """


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
class PixelLikelihood(Likelihood):
    """p(x|z) of pictures: independent pixels."""

    @property
    @abstractmethod
    def mean(self) -> Tensor:
        """E[x|z], (B, F)."""

    @abstractmethod
    def sample(self, noise: torch.Generator) -> Tensor:
        """Pictures x ~ p(x|z), (B, F)."""


@dataclass(frozen=True)
class Bernoulli(PixelLikelihood):
    """Independent Bernoulli pixels with the given logits (B, F)."""

    def log_prob(self, x: Tensor) -> Tensor:
        """Σ_f x_f log p_f + (1 − x_f) log(1 − p_f), (B,), nats per image."""
        softplus = torch.nn.functional.softplus(self.logits)
        return (x * self.logits - softplus).sum(1)

    @property
    def mean(self) -> Tensor:
        """E[x|z], (B, F): the probability of every pixel."""
        return torch.sigmoid(self.logits)

    def sample(self, noise: torch.Generator) -> Tensor:
        """Pictures of 0 and 1, (B, F)."""
        return torch.bernoulli(self.mean, generator=noise)

    def check(self, x: Tensor) -> None:
        """Refuse pictures that are not binary: their "likelihood" would be that of no distribution.

        Raises:
            DataError: a pixel that is neither 0 nor 1.
        """
        outside = (x != 0) & (x != 1)
        if outside.any():
            raise DataError(
                f"pixels: {x[outside][0].item():.4g} is outside the support of the Bernoulli "
                f"likelihood ({int(outside.sum())} of {x.numel()} pixels); allowed: 0 and 1 "
                "(binarize: static or dynamic), or a Gaussian likelihood"
            )


@dataclass(frozen=True)
class Gaussian(PixelLikelihood):
    """Independent Gaussian pixels N(μ, σ²) with μ = ``logits`` (B, F).

    Attributes:
        log_variance: log σ², broadcastable to (B, F): () for one shared variance, (B, F) for one a
            pixel. Densities have no upper bound: where σ² may shrink without a floor, so does the
            distortion, and runs compare their floors.
    """

    log_variance: Tensor

    def log_prob(self, x: Tensor) -> Tensor:
        """−½ Σ_f (x_f − μ_f)²/σ_f² + log σ_f² + log 2π, (B,), nats per image."""
        squared = (x - self.logits) ** 2 * torch.exp(-self.log_variance)
        return -0.5 * (squared + self.log_variance + math.log(2 * math.pi)).sum(1)

    @property
    def mean(self) -> Tensor:
        """E[x|z] = μ, (B, F)."""
        return self.logits

    def sample(self, noise: torch.Generator) -> Tensor:
        """μ + σ·ε, ε ~ N(0, 1), (B, F); not clipped to [0, 1]."""
        epsilon = torch.empty_like(self.logits).normal_(generator=noise)
        return self.logits + torch.exp(0.5 * self.log_variance) * epsilon


@dataclass(frozen=True)
class OptimalGaussian(PixelLikelihood):
    """Gaussian pixels with one shared variance at its maximum-likelihood value: the σ-VAE.

    σ² = max(floor, mean squared error of the batch), so that the distortion of a batch is
    ½ F (log MSE + 1 + log 2π) on average and no variance has to be tuned or learned (Rybkin,
    Daniilidis & Levine 2021, arXiv:2006.13202, §4.2). A variance that is taken from the pictures it
    is used on is no density: so training follows it in ``running``, and without ``adapt`` (in
    evaluation) ``running`` is the variance.

    Attributes:
        running: (), the moving average of σ²; NaN before the first batch. :meth:`follow` moves it.
        floor: the least σ².
        adapt: take σ² from the pictures at hand.
        decay: of the moving average.
    """

    running: Tensor
    floor: float
    adapt: bool
    decay: float = 0.99

    def log_prob(self, x: Tensor) -> Tensor:
        """As :meth:`Gaussian.log_prob` with the one σ², (B,), nats per image."""
        variance = self._error(x) if self.adapt else self._kept()
        return Gaussian(self.logits, torch.log(variance)).log_prob(x)

    @torch.no_grad()
    def follow(self, x: Tensor) -> None:
        """While adapting: running ← decay · running + (1 − decay) · σ² of these pictures."""
        if self.adapt:
            found = self._error(x)
            moved = self.decay * self.running + (1 - self.decay) * found
            self.running.copy_(torch.where(torch.isnan(self.running), found, moved))

    @property
    def mean(self) -> Tensor:
        """E[x|z] = μ, (B, F)."""
        return self.logits

    def sample(self, noise: torch.Generator) -> Tensor:
        """As :meth:`Gaussian.sample` with the σ² that training ended with, (B, F)."""
        return Gaussian(self.logits, torch.log(self._kept())).sample(noise)

    def _error(self, x: Tensor) -> Tensor:
        """The σ² at which these pictures are the likeliest, ()."""
        return ((x - self.logits) ** 2).mean().clamp_min(self.floor)

    def _kept(self) -> Tensor:
        """The σ² of evaluation, (); 1 before the first batch."""
        return self.running.nan_to_num(1.0).clamp_min(self.floor)
