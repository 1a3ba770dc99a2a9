"""Diagnostics of the latents against closed forms on a linear-Gaussian model."""

import math

import numpy as np
import pytest
import torch

from tests.linear_gaussian import linear_model, observations
from vaebench.metrics.latents import THRESHOLDS, latents, mutual_information
from vaebench.models import VAE
from vaebench.seeds import torch_stream


def model(scale: float, log_variance: float) -> VAE:
    """q(z|x) = N(scale·x_j, σ²) for the first two pixels."""
    made = linear_model()
    with torch.no_grad():
        made.encoder.weight.copy_(scale * torch.eye(2, 6))
        made.encoder.bias.zero_()
        made.log_variance.fill_(log_variance)
    return made


def test_rate_variance_and_collapse_are_their_formulas() -> None:
    x = observations()
    found = latents(model(0.5, -1.0), x, torch_stream("none"), chunk=300)
    means = 0.5 * x[:, :2].double().numpy()
    rates = 0.5 * (means**2 + math.exp(-1) - 1 + 1)
    np.testing.assert_allclose(found["rate"], rates.mean(0), rtol=1e-5)
    np.testing.assert_allclose(found["mean_variance"], means.var(0), rtol=1e-5)
    for level in THRESHOLDS:
        np.testing.assert_allclose(found[f"below_{level:g}"], (rates < level).mean(0))


def test_a_collapsed_posterior_carries_nothing() -> None:
    x = observations()
    collapsed = model(0.0, 0.0)
    found = latents(collapsed, x, torch_stream("none"))
    assert found["rate"].abs().max() == 0
    assert found["mean_variance"].max() == 0
    assert found["below_0.001"].min() == 1
    information = mutual_information(collapsed, x, torch_stream("z"))
    assert information["mutual_information"] == pytest.approx(0, abs=1e-9)


def test_information_of_distinct_points_is_its_cap() -> None:
    """Posteriors that never overlap tell which example it was: log B nats."""
    x = observations()[:200]
    found = mutual_information(model(1e3, -6.0), x, torch_stream("z"), chunk=70)
    assert found["examples"] == 200
    assert found["mutual_information_cap"] == pytest.approx(math.log(200))
    assert found["mutual_information"] == pytest.approx(math.log(200), abs=1e-3)


def test_information_of_a_gaussian_channel() -> None:
    """x_j ~ N(0, s²), z = x_j + noise: I = ½ Σ_j log(1 + s²/σ²), far below the cap."""
    x = torch.empty(2_000, 6).normal_(generator=torch_stream("x")) * torch.tensor(
        [1.0, 0.5] + [0] * 4
    )
    found = mutual_information(model(1.0, 0.0), x, torch_stream("z"))
    exact = 0.5 * (math.log(1 + 1) + math.log(1 + 0.25))
    assert found["mutual_information"] == pytest.approx(exact, abs=0.05)
    rate = 0.5 * (x[:, :2] ** 2).sum(1).mean().item()
    assert found["marginal_kl"] == pytest.approx(rate - found["mutual_information"], abs=1e-4)


def test_the_expanded_density_is_torchs() -> None:
    """The same log q(z_i|x_k) by torch.distributions, all pairs."""
    x, made = observations()[:50], model(0.7, -0.5)
    q = made.encode(x)
    z = q.rsample(torch_stream("z")).double()
    normal = torch.distributions.Normal(q.mean.double(), torch.exp(q.log_variance.double() / 2))
    pairs = normal.log_prob(z[:, None]).sum(-1)
    expected = (pairs.diagonal() - torch.logsumexp(pairs, 1) + math.log(50)).mean().item()
    found = mutual_information(made, x, torch_stream("z"))
    assert found["mutual_information"] == pytest.approx(expected, rel=1e-6)
