"""The marginal likelihood by annealed importance sampling: a second opinion without the encoder."""

import math

import torch
from torch import Tensor

from vaebench.metrics import Values
from vaebench.models import VAE
from vaebench.sparse import Batch

ACCEPTANCE = 0.65
"""The share of accepted moves that step sizes aim at (Neal 2011, arXiv:1206.1901)."""

LEAPFROGS = 10
"""Leapfrog steps of one move."""


@torch.no_grad()
def annealed(
    model: VAE,
    examples: Batch,
    noise: torch.Generator,
    *,
    temperatures: int = 500,
    chains: int = 8,
) -> Values:
    """Log p(x) by a path from the prior to the posterior: p(z) p(x|z)^t, t from 0 to 1.

    Neal 2001 (Statistics and Computing 11, doi:10.1023/A:1008923215028); for decoders Wu et al.
    2017 (arXiv:1611.04273): Hamiltonian moves, one per temperature, with a step size per chain that
    moves towards an acceptance of .65; temperatures dense at both ends (a sigmoid). The encoder is
    not used, so a narrow posterior cannot mislead it; the mean of the weights is unbiased for p(x),
    and its logarithm a lower bound in expectation.

    Args:
        model: the VAE, put into evaluation mode; its decoder must be differentiable in z.
        examples: (U, ·) on the model's device, few: every move decodes eleven times.
        noise: stream on that device.
        temperatures: T, steps from prior to posterior.
        chains: per example.

    Returns:
        ``log_likelihood_ais``, ``ess_ais`` (of the chains' weights) and ``acceptance``, (U,) each.
    """
    model.eval()
    x = examples[torch.arange(len(examples)).repeat(chains)]
    prior = model.prior()
    shape = (chains * len(examples), model.latents)
    z = prior.mean + torch.exp(0.5 * prior.log_variance) * _normal(prior.mean, shape, noise)
    schedule = torch.sigmoid(torch.linspace(-4, 4, temperatures + 1, dtype=torch.float64))
    schedule = (schedule - schedule[0]) / (schedule[-1] - schedule[0])
    step = torch.full((shape[0], 1), 0.1, dtype=z.dtype, device=z.device)
    weights = torch.zeros(shape[0], dtype=torch.float64, device=z.device)
    accepted = torch.zeros_like(weights)
    likelihood = _likelihood(model, x, z)
    for before, now in zip(schedule[:-1].tolist(), schedule[1:].tolist(), strict=True):
        weights += (now - before) * likelihood
        z, likelihood, moved = _move(model, x, z, now, step, noise)
        accepted += moved
        # in balance where a share ACCEPTANCE of the moves is accepted
        step = step * torch.exp(0.05 * (moved - ACCEPTANCE))[:, None].to(step.dtype)
    log_weights = weights.view(chains, -1)
    return {
        "log_likelihood_ais": torch.logsumexp(log_weights, 0) - math.log(chains),
        "ess_ais": torch.exp(
            2 * torch.logsumexp(log_weights, 0) - torch.logsumexp(2 * log_weights, 0)
        ),
        "acceptance": accepted.view(chains, -1).mean(0) / temperatures,
    }


def _move(
    model: VAE, x: Batch, z: Tensor, temperature: float, step: Tensor, noise: torch.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """One Hamiltonian move that leaves p(z) p(x|z)^t invariant.

    Returns:
        The new z, its log p(x|z) (R,), and whether the move was accepted (R,), as 0 and 1.
    """
    momentum = _normal(z, z.shape, noise)
    start, likelihood, gradient = _energy(model, x, z, temperature)
    energy = start - 0.5 * (momentum**2).sum(1).double()
    position, pushed = z, momentum + 0.5 * step * gradient
    for leap in range(LEAPFROGS):
        position = position + step * pushed
        end, reached, gradient = _energy(model, x, position, temperature)
        pushed = pushed + (0.5 if leap == LEAPFROGS - 1 else 1.0) * step * gradient
    change = end - 0.5 * (pushed**2).sum(1).double() - energy
    uniform = torch.empty_like(change).uniform_(generator=noise)
    moved = torch.log(uniform) < change  # NaN of a runaway trajectory: refused
    return (
        torch.where(moved[:, None], position, z),
        torch.where(moved, reached, likelihood),
        moved.double(),
    )


def _energy(model: VAE, x: Batch, z: Tensor, temperature: float) -> tuple[Tensor, Tensor, Tensor]:
    """Log p(z) + t·log p(x|z), log p(x|z), and the gradient of the first in z."""
    with torch.enable_grad():
        z = z.detach().requires_grad_()
        likelihood = model.decode(z).log_prob(x)
        total = model.prior().log_prob(z).sum(1) + temperature * likelihood
        (gradient,) = torch.autograd.grad(total.sum(), z)
    return total.detach().double(), likelihood.detach().double(), gradient


def _likelihood(model: VAE, x: Batch, z: Tensor) -> Tensor:
    """Log p(x|z), (R,), float64."""
    return model.decode(z).log_prob(x).double()


def _normal(like: Tensor, shape: tuple[int, ...] | torch.Size, noise: torch.Generator) -> Tensor:
    """Standard normal numbers of the type and device of ``like``."""
    return torch.empty(shape, dtype=like.dtype, device=like.device).normal_(generator=noise)
