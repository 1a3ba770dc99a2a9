import numpy as np
import scipy.integrate
import scipy.stats
import torch
from torch.distributions import Normal, kl_divergence

from vaebench.distributions import DiagonalGaussian, standard_normal
from vaebench.seeds import torch_stream


def some(batch: int = 6, latents: int = 3) -> DiagonalGaussian:
    noise = torch_stream("test")
    draw = [torch.empty(batch, latents, dtype=torch.float64).normal_(generator=noise) for _ in "ab"]
    return DiagonalGaussian(*draw)


def as_torch(gaussian: DiagonalGaussian) -> Normal:
    return Normal(gaussian.mean, torch.exp(gaussian.log_variance / 2))


def test_rate_agrees_with_torch_for_any_prior() -> None:
    q, p = some(), DiagonalGaussian(torch.tensor([0.0, 1, -2]), torch.tensor([0.0, 0.5, -1]))
    torch.testing.assert_close(q.rate(p), kl_divergence(as_torch(q), as_torch(p)))


def test_rate_is_the_integral_of_its_definition() -> None:
    q = DiagonalGaussian(torch.tensor([[0.7]]), torch.tensor([[-0.9]]))
    density = scipy.stats.norm(0.7, np.exp(-0.45))
    expected, _ = scipy.integrate.quad(
        lambda z: density.pdf(z) * (density.logpdf(z) - scipy.stats.norm.logpdf(z)), -8, 8
    )
    torch.testing.assert_close(
        q.rate(standard_normal(1, torch.device("cpu"))).item(), expected, rtol=1e-6, atol=0
    )


def test_rate_of_the_prior_is_zero() -> None:
    prior = standard_normal(4, torch.device("cpu"))
    assert torch.equal(prior.rate(prior), torch.zeros(4))


def test_log_prob_agrees_with_torch() -> None:
    q, z = some(), some().mean + 0.3
    torch.testing.assert_close(q.log_prob(z), as_torch(q).log_prob(z))


def test_samples_have_the_mean_and_variance_asked_for() -> None:
    """4 standard errors: fails by chance once in 15,000; a fixed seed never."""
    size = 200_000
    q = DiagonalGaussian(torch.full((size, 1), 1.5), torch.full((size, 1), np.log(0.25)))
    z = q.rsample(torch_stream("moments")).numpy()
    assert abs(z.mean() - 1.5) < 4 * 0.5 / size**0.5
    assert abs(z.var() - 0.25) < 4 * 0.25 * (2 / size) ** 0.5


def test_gradient_flows_through_samples() -> None:
    mean = torch.zeros(1, 2, requires_grad=True)
    log_variance = torch.zeros(1, 2, requires_grad=True)
    z = DiagonalGaussian(mean, log_variance).rsample(torch_stream("gradient"))
    z.sum().backward()
    assert torch.equal(mean.grad, torch.ones(1, 2))
    torch.testing.assert_close(log_variance.grad, z.detach() / 2)  # ∂(σ ε)/∂ log σ² = σ ε / 2
