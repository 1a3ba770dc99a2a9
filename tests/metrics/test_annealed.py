"""Annealed importance sampling where the likelihood is known exactly."""

import torch

from tests.linear_gaussian import linear_model, observations, with_true_posterior
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
    found = annealed(model, x[chosen], torch_stream("ais"), temperatures=200, chains=40)
    difference = found["log_likelihood_ais"] - exact[chosen]
    assert difference.abs().mean() < 0.15
    assert difference.mean().abs() < 0.1
