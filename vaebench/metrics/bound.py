"""The evidence lower bound and its two parts, per example."""

import torch

from vaebench.metrics import Values
from vaebench.models import VAE
from vaebench.sparse import Batch, contents


@torch.no_grad()
def elbo(
    model: VAE, examples: Batch, noise: torch.Generator, *, samples: int = 1, chunk: int = 500
) -> Values:
    """ELBO = −(D + R) at β = 1, whatever β the model was trained with; nats per example.

    D = −(1/L) Σ_l log p(x|z_l), z_l ~ q(z|x); R = KL(q(z|x) ‖ p(z)) in closed form (estimator B of
    Kingma & Welling 2013, arXiv:1312.6114, eq. 7), or the mean over the same samples where the
    model has no closed form.

    Args:
        model: the VAE, put into evaluation mode (no dropout).
        examples: (U, ·) on the model's device.
        noise: stream of ε on that device; the same stream gives comparable values.
        samples: L.
        chunk: examples at a time.

    Returns:
        ``distortion``; ``rate`` where the model has one; ``elbo`` where it is a bound: (U,) each.
    """
    model.eval()
    distortions, rates = [], []
    for chosen in torch.arange(len(examples)).split(chunk):
        x = examples[chosen]
        posterior, given = model.encode(x), model.given(x)
        distortion, rate = [], []
        for _ in range(samples):
            z = posterior.rsample(noise)
            distortion.append(-model.likelihood_of(z, given).log_prob(contents(x)).double())
            rate.append(model.rate(x, posterior, z).double().sum(1))
        distortions.append(torch.stack(distortion).mean(0))
        rates.append(torch.stack(rate).mean(0))
    values = {"distortion": torch.cat(distortions)}
    if model.has_rate:
        values["rate"] = torch.cat(rates)
    if model.has_bound:
        values["elbo"] = -(values["distortion"] + values["rate"])
    return values
