"""The marginal likelihood by annealed importance sampling: a second opinion without the encoder."""

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from vaebench.distributions import Distribution
from vaebench.errors import ConfigError
from vaebench.metrics import Values
from vaebench.models import VAE
from vaebench.sparse import Batch, contents

ACCEPTANCE = 0.65
"""The share of accepted moves that step sizes aim at (Neal 2011, arXiv:1206.1901)."""

LEAPFROGS = 10
"""Leapfrog steps of one move."""


PILOTS, FIRST_STEP, GAIN = 4, 0.1, 0.1
"""Chains per example that find the step sizes; where they start; how fast log steps follow."""


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
    2017 (arXiv:1611.04273): Hamiltonian moves, one per temperature; temperatures dense at both ends
    (a sigmoid). The encoder is not used, so a narrow posterior cannot mislead it; the mean of the
    weights is unbiased for p(x), and its logarithm a lower bound in expectation.

    Unbiased, since every move leaves its temperature's density as it is: the step sizes, one per
    example and temperature, come from pilot chains that give no weights. A chain that moved its own
    step by what it accepted would keep small steps where it is stuck, and its weights too low.

    Args:
        model: the VAE, put into evaluation mode; its decoder must be differentiable in z.
        examples: (U, ·) on the model's device, few: every move decodes eleven times.
        noise: stream on that device.
        temperatures: T, steps from prior to posterior.
        chains: C per example, besides the four pilots.

    Returns:
        ``log_likelihood_ais``: log (1/C) Σ_c w_c, nats; ``ess_ais``: (Σ w)²/Σ w²; ``acceptance``,
        the share of accepted moves: (U,) each.

    Raises:
        ConfigError: z is discrete.
    """
    if not model.continuous:
        raise ConfigError(
            f"annealed sampling moves z by its gradient, and that of {type(model).__name__} is "
            "discrete; allowed: a model with continuous latents"
        )
    model.eval()
    steps = _run(model, examples, noise, temperatures, PILOTS).steps
    found = _run(model, examples, noise, temperatures, chains, steps)
    total = torch.logsumexp(found.log_weights, 0)
    return {
        "log_likelihood_ais": total - math.log(chains),
        "ess_ais": torch.exp(2 * total - torch.logsumexp(2 * found.log_weights, 0)),
        "acceptance": found.accepted,
    }


@dataclass(frozen=True)
class _Run:
    """C chains of U examples over T temperatures.

    Attributes:
        log_weights: (C, U), float64.
        accepted: (U,) the share of accepted moves.
        steps: (T, U) the step sizes that were taken.
    """

    log_weights: Tensor
    accepted: Tensor
    steps: Tensor


def _run(
    model: VAE,
    examples: Batch,
    noise: torch.Generator,
    temperatures: int,
    chains: int,
    steps: Tensor | None = None,
) -> _Run:
    """Independent chains with the given step sizes (T, U), or with some that follow acceptance."""
    count = len(examples)
    x = examples[torch.arange(count).repeat(chains)]
    given = model.given(x)
    z = first_codes(model.prior_of(given), given, noise, chains * count)
    step = torch.full((count,), FIRST_STEP, dtype=z.dtype, device=z.device)
    taken = torch.empty(temperatures, count, dtype=z.dtype, device=z.device)
    weights = torch.zeros(chains * count, dtype=torch.float64, device=z.device)
    accepted = torch.zeros(count, dtype=torch.float64, device=z.device)
    likelihood = model.likelihood_of(z, given).log_prob(contents(x)).double()
    for number, (before, now) in enumerate(pairwise(_schedule(temperatures))):
        taken[number] = step if steps is None else steps[number]
        weights += (now - before) * likelihood
        each = taken[number].repeat(chains)[:, None]
        z, likelihood, moved = _move(model, x, z, now, each, noise)
        share = moved.view(chains, count).mean(0)
        accepted += share / temperatures
        # in balance where a share ACCEPTANCE of the moves is accepted
        step = step * torch.exp(GAIN * (share - ACCEPTANCE)).to(step.dtype)
    return _Run(weights.view(chains, count), accepted, taken)


def first_codes(
    prior: Distribution, given: Tensor | None, noise: torch.Generator, rows: int
) -> Tensor:
    """A draw of the prior for each row: (rows, Z)."""
    return prior.sample(noise, rows) if given is None else prior.sample(noise)


def _schedule(temperatures: int) -> list[float]:
    """t_0 = 0 … t_T = 1, dense at both ends."""
    schedule = torch.sigmoid(torch.linspace(-4, 4, temperatures + 1, dtype=torch.float64))
    return ((schedule - schedule[0]) / (schedule[-1] - schedule[0])).tolist()


def _move(
    model: VAE, x: Batch, z: Tensor, temperature: float, step: Tensor, noise: torch.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """One Hamiltonian move that leaves p(z) p(x|z)^t invariant.

    Returns:
        The new z, its log p(x|z) (R,), and whether the move was accepted (R,), as 0 and 1.
    """
    momentum = torch.empty_like(z).normal_(generator=noise)
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
        given = model.given(x)
        likelihood = model.likelihood_of(z, given).log_prob(contents(x))
        total = model.prior_of(given).log_prob(z).sum(1) + temperature * likelihood
        (gradient,) = torch.autograd.grad(total.sum(), z)
    return total.detach().double(), likelihood.detach().double(), gradient
