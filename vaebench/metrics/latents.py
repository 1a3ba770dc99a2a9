"""What the latents carry: rates, active units, collapse, mutual information."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from vaebench.distributions import DiagonalGaussian, Distribution
from vaebench.models import VAE
from vaebench.sparse import Batch

ACTIVE = 0.01
"""A latent is active if Var_x(E_q[z_j]) is above it (Burda et al. 2016, arXiv:1509.00519, §5.2)."""

COLLAPSED_RATE, COLLAPSED_SHARE = 0.01, 0.99
"""Latent j is (ε, δ)-collapsed if R_j < ε nats for a share of at least 1 − δ of the examples."""

THRESHOLDS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
"""ε of the collapse curve, nats."""

INFORMATION_EXAMPLES = 2_000
"""The mutual information is estimated on at most so many examples: its cost is their square."""


@torch.no_grad()
def latents(
    model: VAE, examples: Batch, noise: torch.Generator, *, chunk: int = 500
) -> dict[str, Tensor]:
    """One value per latent, (Z,) each, float64.

    ``rate``: mean R_j in nats. ``mean_variance``: Var_x(E_q[z_j]), whose curve over thresholds
    counts active units. ``below_ε`` for ε of ``THRESHOLDS``: the share of examples with R_j < ε,
    which is (ε, δ)-collapse where it is ≥ 1 − δ (Lucas et al. 2019, arXiv:1911.02469, def. 1).

    Args:
        model: the VAE, put into evaluation mode.
        examples: (U, ·) on the model's device.
        noise: stream of ε, for models without a closed-form rate.
        chunk: examples at a time.
    """
    model.eval()
    means, rates = [], []
    for chosen in torch.arange(len(examples)).split(chunk):
        x = examples[chosen]
        posterior = model.encode(x)
        means.append(posterior.mean.double())
        rates.append(model.rate(x, posterior, posterior.rsample(noise)).double())
    mean, rate = torch.cat(means), torch.cat(rates)
    below = {f"below_{level:g}": (rate < level).double().mean(0) for level in THRESHOLDS}
    return {"rate": rate.mean(0), "mean_variance": mean.var(0, correction=0)} | below


@torch.no_grad()
def mutual_information(
    model: VAE, examples: Batch, noise: torch.Generator, *, chunk: int = 100
) -> dict[str, float]:
    """I_q(x; z) = mean_i [log q(z_i|x_i) − log (1/B) Σ_k q(z_i|x_k)], z_i ~ q(z|x_i), nats.

    An estimate of the information between x and z under q (Hoffman & Johnson 2016, "ELBO surgery";
    He et al. 2019, arXiv:1901.05534, eq. 7). It cannot exceed log B, B the number of examples used
    (the first ``INFORMATION_EXAMPLES``). ``marginal_kl`` = R̄ − I_q is KL(q(z) ‖ p(z)).

    Returns:
        ``mutual_information``, ``mutual_information_cap``, ``marginal_kl`` in nats, ``examples`` B.
    """
    model.eval()
    count = min(len(examples), INFORMATION_EXAMPLES)
    x = examples[torch.arange(count)]
    posterior = model.encode(x)
    z = posterior.rsample(noise)
    rate = model.rate(x, posterior, z).double().sum(1).mean()
    densities_of, marginals, own = log_densities(posterior), [], []
    for rows in torch.arange(count).split(chunk):
        densities = densities_of(z[rows])
        marginals.append(torch.logsumexp(densities, 1) - math.log(count))
        own.append(densities[torch.arange(len(rows)), rows])
    information = (torch.cat(own) - torch.cat(marginals)).mean()
    return {
        "mutual_information": information.item(),
        "mutual_information_cap": math.log(count),
        "marginal_kl": (rate - information).item(),
        "examples": count,
    }


def log_densities(posterior: Distribution) -> Callable[[Tensor], Tensor]:
    """A function of z (R, Z): log q(z_i|x_k) of all B posteriors, summed over latents, (R, B).

    Of Gaussians it is expanded into three products, so that no (R, B, Z) arises.
    """
    if not isinstance(posterior, DiagonalGaussian):
        return lambda z: posterior.log_prob(z[:, None]).double().sum(2)
    precision = torch.exp(-posterior.log_variance.double())
    mean = posterior.mean.double()
    constant = (posterior.log_variance.double() + math.log(2 * math.pi) + mean**2 * precision).sum(
        1
    )

    def expanded(z: Tensor) -> Tensor:
        some = z.double()
        return -0.5 * (some**2 @ precision.T - 2 * some @ (mean * precision).T + constant)

    return expanded
