"""Annealed importance sampling where the likelihood is known exactly."""

import pytest
import torch

from tests.linear_gaussian import (
    LinearGaussian,
    ShiftedPrior,
    linear_model,
    observations,
    with_true_posterior,
)
from tests.metrics.test_importance import PlantedDecoder, planted
from vaebench.metrics.annealed import ACCEPTANCE, annealed
from vaebench.metrics.importance import importance
from vaebench.seeds import torch_stream


def test_the_linear_model_is_answered_exactly_whatever_its_encoder() -> None:
    """A posterior a tenth as wide misleads importance sampling, not this."""
    model, x = with_true_posterior(linear_model(), 0.1), observations()[:30]
    exact = torch.from_numpy(model.exact(x))
    found = annealed(model, x, torch_stream("ais"), temperatures=150, chains=20)
    difference = found["log_likelihood_ais"] - exact
    assert difference.abs().mean() < 0.1
    assert difference.abs().max() < 0.6
    assert (found["acceptance"] > 0.5).all()
    assert (found["ess_ais"] > 5).all()
    misled = importance(model, x, torch_stream("is"), samples=100)["log_likelihood"]
    assert (exact - misled).mean() > 5 * difference.abs().mean()


def test_step_sizes_settle_at_their_acceptance() -> None:
    """Long enough, and with a posterior sharp enough that large steps fail."""
    model, x = with_true_posterior(linear_model()), observations()[:4]
    with torch.no_grad():
        model.decoder.weight.mul_(20)
    found = annealed(model, x, torch_stream("ais"), temperatures=300, chains=10)
    assert abs(found["acceptance"].mean().item() - ACCEPTANCE) < 0.08


def test_few_temperatures_are_a_lower_bound() -> None:
    model, x = with_true_posterior(linear_model()), observations()[:30]
    exact = torch.from_numpy(model.exact(x)).mean()
    coarse, fine = (
        annealed(model, x, torch_stream("ais"), temperatures=t, chains=4)["log_likelihood_ais"]
        for t in (3, 100)
    )
    assert coarse.mean() < exact - 0.3
    assert abs(fine.mean() - exact) < abs(coarse.mean() - exact) / 3


def test_the_planted_model() -> None:
    """Sparse interactions and a multinomial: within .1 nats of the exact likelihood."""
    weights, bias, x, exact = planted()
    model = PlantedDecoder(x.columns, hidden=2, latents=2, dropout=0)
    model.planted = weights, bias
    chosen = torch.arange(8)
    found = annealed(model, x[chosen], torch_stream("ais"), temperatures=400, chains=40)
    difference = found["log_likelihood_ais"] - exact[chosen]
    assert difference.abs().mean() < 0.15
    assert difference.mean().abs() < 0.1


@pytest.mark.parametrize(
    ("latents", "temperatures", "shift"), [(1, 200, 2.0), (4, 150, 1.0)], ids=["one", "four"]
)
def test_the_mean_weight_is_the_likelihood(latents: int, temperatures: int, shift: float) -> None:
    """E w = p(x), not merely log w ≈ log p(x): many lone chains on one picture, N(0, 401) a pixel.

    A chain that adapts its own step while it is weighted has .95 and .80 here.
    """
    model, count = LinearGaussian(latents, latents=latents), 8_000
    with torch.no_grad():
        model.decoder.weight.copy_(20 * torch.eye(latents))
        model.decoder.bias.zero_()
    x = torch.full((1, latents), shift)
    found = annealed(
        model, x.expand(count, -1), torch_stream("mean"), temperatures=temperatures, chains=1
    )
    ratio = torch.exp(found["log_likelihood_ais"] - model.exact(x).item())
    assert abs(ratio.mean() - 1) < 3 * ratio.std() / count**0.5
    assert 0.5 < found["acceptance"].mean() < 0.8


def test_chains_start_from_the_models_own_prior() -> None:
    """A prior of another place and width has another likelihood, in closed form."""
    model, x = ShiftedPrior(6), observations()[:10]
    model.initialise(torch_stream("linear"))
    found = annealed(model, x, torch_stream("ais"), temperatures=100, chains=30)
    exact = torch.from_numpy(model.exact(x))
    assert (found["log_likelihood_ais"] - exact).abs().mean() < 0.1
    assert (exact - torch.from_numpy(LinearGaussian.exact(model, x))).abs().mean() > 0.3
