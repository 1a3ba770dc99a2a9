"""The evidence lower bound and its two parts, per example."""

import torch

from vaebench.metrics import Values
from vaebench.models import VAE
from vaebench.sparse import Batch, SparseRows


@torch.no_grad()
def elbo(
    model: VAE, examples: Batch, noise: torch.Generator, *, samples: int = 1, chunk: int = 500
) -> Values:
    """ELBO = −(D + R) at β = 1, whatever β the model was trained with; nats per example.

    D = −(1/L) Σ_l log p(x|z_l), z_l ~ q(z|x); R = KL(q(z|x) ‖ p(z)) in closed form (estimator B of
    Kingma & Welling 2013, arXiv:1312.6114, eq. 7).

    Args:
        model: the VAE, put into evaluation mode (no dropout).
        examples: (U, ·) on the model's device.
        noise: stream of ε on that device; the same stream gives comparable values.
        samples: L.
        chunk: examples at a time.

    Returns:
        ``distortion``, ``rate`` and ``elbo``, (U,) each.
    """
    model.eval()
    distortions, rates = [], []
    device = examples.offsets.device if isinstance(examples, SparseRows) else examples.device
    for chosen in torch.arange(len(examples), device=device).split(chunk):
        x = examples[chosen]
        posterior = model.encode(x)
        log_likelihood = torch.stack(
            [model.decode(posterior.rsample(noise)).log_prob(x).double() for _ in range(samples)]
        )
        distortions.append(-log_likelihood.mean(0))
        rates.append(posterior.rate(model.prior()).double().sum(1))
    distortion, rate = torch.cat(distortions), torch.cat(rates)
    return {"distortion": distortion, "rate": rate, "elbo": -(distortion + rate)}
