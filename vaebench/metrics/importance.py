"""The marginal likelihood by importance sampling, and whether it can be believed."""

import math

import torch
from torch import Tensor

from vaebench.metrics import Values
from vaebench.models import VAE
from vaebench.sparse import Batch, contents

ROWS = 5_000
"""Decoded rows at a time: memory is ROWS × features numbers, whatever K and the batch are."""

UNRELIABLE = 0.7
"""Above this k̂ the estimate must not be believed (Vehtari et al. 2024, §3)."""


@torch.no_grad()
def importance(
    model: VAE, examples: Batch, noise: torch.Generator, *, samples: int = 5_000, rows: int = ROWS
) -> Values:
    """The importance-weighted bound L_K = E log (1/K) Σ_k w_k, w_k = p(x, z_k)/q(z_k|x), z_k ~ q.

    ELBO = L_1 ≤ L_K ≤ L_{K+1} ≤ log p(x), and L_K → log p(x) (Burda, Grosse & Salakhutdinov 2016,
    arXiv:1509.00519, theorem 1). How near it is, the two diagnostics tell: a posterior narrower
    than the true one (small β) has a few large weights.

    Args:
        model: the VAE, put into evaluation mode; its prior must have a density.
        examples: (U, ·) on the model's device.
        noise: stream of ε on that device.
        samples: K.
        rows: decoded at a time.

    Returns:
        ``log_likelihood``: L_K, nats. ``ess``: (Σ w)²/Σ w², between 1 and K. ``pareto_k``: k̂ of
        the largest weights, see :func:`pareto_k`; above .7 more samples would not help. (U,) each.
    """
    model.eval()
    found: dict[str, list[Tensor]] = {"log_likelihood": [], "ess": [], "pareto_k": []}
    for chosen in torch.arange(len(examples)).split(max(1, rows // samples)):
        weights = log_weights(model, examples[chosen], noise, samples, rows)
        found["log_likelihood"].append(torch.logsumexp(weights, 1) - math.log(samples))
        found["ess"].append(effective_samples(weights))
        found["pareto_k"].append(pareto_k(weights))
    return {name: torch.cat(parts) for name, parts in found.items()}


def log_weights(
    model: VAE, x: Batch, noise: torch.Generator, samples: int, rows: int = ROWS
) -> Tensor:
    """Log p(x|z_k) + log p(z_k) − log q(z_k|x), z_k ~ q(z|x): (B, K), float64.

    At most max(B, ``rows``) rows are decoded at once.
    """
    posterior, given = model.encode(x), model.given(x)
    prior = model.prior_of(given)
    numbers = torch.arange(len(x))
    parts = []
    at_once = max(1, rows // max(1, len(x)))
    for first in range(0, samples, at_once):
        count = min(at_once, samples - first)
        z = torch.stack([posterior.rsample(noise) for _ in range(count)])
        ratio = (prior.log_prob(z).double() - posterior.log_prob(z).double()).sum(2)
        repeated = None if given is None else given.repeat(count, 1)
        likelihood = model.likelihood_of(z.flatten(0, 1), repeated)
        fit = likelihood.log_prob(contents(x)[numbers.repeat(count)])
        parts.append(ratio + fit.double().view(count, -1))
    return torch.cat(parts).T


def effective_samples(weights: Tensor) -> Tensor:
    """(Σ w)²/Σ w² of log weights (B, K): (B,), between 1 and K (Kong 1992)."""
    return torch.exp(2 * torch.logsumexp(weights, 1) - torch.logsumexp(2 * weights, 1))


def pareto_k(weights: Tensor) -> Tensor:
    """k̂: the shape of the generalised Pareto distribution of the largest weights, (B,).

    Vehtari, Simpson, Gelman, Yao & Gabry 2024 (JMLR 25(72), arXiv:1507.02646): the M = min(K/5,
    3√K) largest of log weights (B, K), their excess over the next one, and its fit. The mean of the
    weights has a finite variance below ½; it is of practical use below .7. 0 where all weights of
    the tail are equal, +∞ where one leaves the others below the smallest number, NaN where K ≤ 20:
    too few for a tail of 5.
    """
    samples = weights.shape[1]
    tail = math.ceil(min(samples / 5, 3 * math.sqrt(samples)))
    if tail < 5:  # noqa: PLR2004 (a fit of two parameters)
        return torch.full_like(weights[:, 0], torch.nan)
    ordered = torch.sort(weights.double(), 1).values
    ordered = ordered - ordered[:, -1:]
    cutoff = torch.exp(ordered[:, -tail - 1 : -tail])
    return pareto_shape(torch.exp(ordered[:, -tail:]) - cutoff)


def pareto_shape(excess: Tensor) -> Tensor:
    """The shape k of generalised Pareto distributions, (B,), from ascending excesses (B, M) ≥ 0.

    Zhang & Stephens 2009 (Technometrics 51(3)): the posterior mean of θ = −k/σ over a grid of its
    profile likelihood, then shrunk towards ½ as by ten observations (Vehtari et al., appendix C).
    """
    count = excess.shape[1]
    grid = 30 + int(math.sqrt(count))
    quartile = excess[:, int(count / 4 + 0.5) - 1 : int(count / 4 + 0.5)]
    j = torch.arange(1, grid + 1, dtype=torch.float64, device=excess.device)
    theta = 1 / excess[:, -1:] + (1 - torch.sqrt(grid / (j - 0.5))) / (3 * quartile)
    shape = torch.log1p(-theta[:, :, None] * excess[:, None, :]).mean(2)
    profile = count * (torch.log(-theta / shape) - shape - 1)
    mean = (torch.softmax(profile, 1) * theta).sum(1)
    k = torch.log1p(-mean[:, None] * excess).mean(1)
    k = (k * count + 5) / (count + 10)
    k = torch.where(quartile[:, 0] > 0, k, torch.inf)
    return torch.where(excess[:, -1] > excess[:, 0], k, 0.0)
