"""Two linear layers are one Gaussian; one layer is the plain VAE; weights for each layer."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import scipy.stats
import torch
from torch import Tensor

from tests.linear_gaussian import observations
from vaebench.contracts import check_model
from vaebench.distributions import Chain
from vaebench.errors import ArgumentError
from vaebench.metrics.annealed import annealed
from vaebench.metrics.bound import elbo
from vaebench.metrics.importance import importance
from vaebench.metrics.latents import latents, mutual_information
from vaebench.models.hierarchical_mlp import HierarchicalMLP
from vaebench.models.image_mlp import ImageMLP
from vaebench.models.pixels import Pixels
from vaebench.seeds import torch_stream
from vaebench.strategies import Stats
from vaebench.strategies.per_layer import PerLayer
from vaebench.training.estimators import Estimator
from vaebench.training.loop import Budget, Learner, Streams, train

UNIT = Pixels(family="gaussian", mean="identity", variance="fixed")

W = torch.tensor([1.5, 0.8])
"""Lengths of the columns of the lower decoder, which are orthogonal."""

A, SPREAD = torch.tensor([0.9, -0.6]), torch.tensor([0.5, 1.2])
"""z_1 given z_2 is N(A z_2 + (.3, −.2), SPREAD)."""


def linear() -> HierarchicalMLP:
    """The exact posterior of a two-layer linear model: everything is diagonal."""
    model = HierarchicalMLP(6, latents=[2, 2], hidden=[[], []], likelihood=UNIT)
    model.initialise(torch_stream("layers"))
    upper, lower = model.decoder[1][0], model.decoder[0][0]  # type: ignore[index]
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(0 if parameter is not lower.weight else 1)
        lower.weight.copy_(torch.linalg.qr(lower.weight).Q * W)
        lower.bias.copy_(torch.linspace(-1, 1, 6))
        upper.weight[:2] = torch.diag(A)
        upper.bias.copy_(torch.cat([torch.tensor([0.3, -0.2]), SPREAD.log()]))
        # z_1 ~ N(a, A² + S); z_1|x and z_2|z_1 by the rule of Bayes, latent by latent
        centre, marginal = upper.bias[:2], A**2 + SPREAD
        precision = 1 / marginal + W**2
        first, second = model.encoder[0][0], model.encoder[1][0]  # type: ignore[index]
        first.weight[:2] = lower.weight.T / precision[:, None]
        first.bias[:2] = (centre / marginal - lower.weight.T @ lower.bias) / precision
        first.bias[2:] = -precision.log()
        gain = A / marginal
        second.weight[:2] = torch.diag(gain)
        second.bias[:2] = -gain * centre
        second.bias[2:] = (1 - A * gain).log()
    return model


def exact(x: Tensor, model: HierarchicalMLP) -> Tensor:
    """Log N(x; W a + b, W (A Aᵀ + S) Wᵀ + I)."""
    lower, upper = model.decoder[0][0], model.decoder[1][0]  # type: ignore[index]
    weights = lower.weight.detach().double().numpy()
    inner = np.diag((A**2 + SPREAD).double().numpy())
    mean = weights @ upper.bias[:2].detach().double().numpy() + lower.bias.detach().numpy()
    covariance = weights @ inner @ weights.T + np.eye(6)
    return torch.from_numpy(scipy.stats.multivariate_normal(mean, covariance).logpdf(x.numpy()))


@torch.no_grad()
def test_with_the_true_posterior_every_sample_is_the_likelihood() -> None:
    """Estimator A has no variance, so all layers, their densities and their order are right."""
    model, x = linear(), observations()[:20]
    terms = Estimator("sgvb_a", 3).draw(model, x, torch_stream("z"))
    bound = -(terms.distortions + terms.rates.sum(2))
    torch.testing.assert_close(bound.double(), exact(x, model).expand(3, 20), atol=1e-3, rtol=0)


@torch.no_grad()
def test_the_top_layer_in_closed_form_has_the_same_mean() -> None:
    model, x = linear(), observations()[:5]
    model.encoder[1][0].bias += 0.4  # type: ignore[index]
    draws = {
        k: Estimator(k, 3_000).draw(model, x, torch_stream("z")).rates for k in ("sgvb_a", "sgvb_b")
    }  # type: ignore[arg-type]
    error = draws["sgvb_a"].std(0) / 3_000**0.5
    assert ((draws["sgvb_a"].mean(0) - draws["sgvb_b"].mean(0)).abs() < 4.5 * error + 1e-5).all()
    assert (draws["sgvb_b"].std(0)[:, 2:] < draws["sgvb_a"].std(0)[:, 2:]).all()
    assert torch.equal(draws["sgvb_b"][..., :2], draws["sgvb_a"][..., :2])


def test_likelihoods_without_the_true_posterior() -> None:
    model, x = linear(), observations()[:6]
    with torch.no_grad():
        model.encoder[0][0].bias += 0.3  # type: ignore[index]
        model.encoder[1][0].bias += 0.3  # type: ignore[index]
    expected = exact(x, model)
    many = importance(model, x, torch_stream("k"), samples=4_000, rows=24_000)["log_likelihood"]
    torch.testing.assert_close(many, expected, atol=0.05, rtol=0)
    second = annealed(model, x, torch_stream("a"), temperatures=60, chains=30)
    torch.testing.assert_close(second["log_likelihood_ais"], expected, atol=0.3, rtol=0)
    assert (elbo(model, x, torch_stream("z"), samples=300)["elbo"] < expected).all()


@torch.no_grad()
def test_draws_of_the_prior_have_its_moments_and_densities() -> None:
    model = linear()
    prior = model.prior()
    z = prior.sample(torch_stream("prior"), 40_000)
    moments = torch.cov(z.T)
    expected = torch.diag(torch.cat([A**2 + SPREAD, torch.ones(2)]))
    expected[[0, 1], [2, 3]] = expected[[2, 3], [0, 1]] = A
    torch.testing.assert_close(moments, expected, atol=0.04, rtol=0)
    joint = scipy.stats.multivariate_normal([0.3, -0.2, 0, 0], expected.numpy())
    found = prior.log_prob(z[:50]).sum(1)
    torch.testing.assert_close(
        found.double(), torch.from_numpy(joint.logpdf(z[:50].numpy())), atol=1e-3, rtol=0
    )


@torch.no_grad()
def test_densities_broadcast_over_posteriors_and_latents_are_measured() -> None:
    model, x = linear(), observations()[:300]
    q = model.encode(x[:4])
    z = q.rsample(torch_stream("z"))
    both = q.log_prob(z[:, None])
    assert both.shape == (4, 4, 4)
    torch.testing.assert_close(both[torch.arange(4), torch.arange(4)], q.log_prob(z))
    found = mutual_information(model, x, torch_stream("mi"))
    assert 0 < found["mutual_information"] < found["mutual_information_cap"]
    rates = latents(model, x, torch_stream("z"))["rate"]
    torch.testing.assert_close(
        rates.sum(), elbo(model, x, torch_stream("z"), samples=50)["rate"].mean(), atol=0.2, rtol=0
    )


def test_one_layer_is_the_plain_model() -> None:
    options: dict[str, Any] = {"likelihood": UNIT}
    one = HierarchicalMLP(6, latents=[3], hidden=[[5]], **options)
    plain, x = ImageMLP(6, latents=3, hidden=[5], **options), observations()[:30]
    for model in (one, plain):
        model.initialise(torch_stream("weights"))
    found, expected = (elbo(m, x, torch_stream("z")) for m in (one, plain))
    for name in expected:
        assert torch.equal(found[name], expected[name]), name


def test_three_layers_and_options() -> None:
    check_model(HierarchicalMLP, latents=[3, 2, 2], hidden=[[5], [], [4]])
    assert isinstance(HierarchicalMLP(6).prior(), Chain)
    with pytest.raises(ArgumentError, match=r"hidden: \[\[5\]\] .* 2 lists, one for each"):
        HierarchicalMLP(6, hidden=[[5]])


class Watching(PerLayer):
    """Keeps what it was shown."""

    def forward(self, stats: Stats) -> Tensor:
        self.seen = stats
        return super().forward(stats)


def learner() -> Learner:
    model, strategy = linear(), Watching(beta=0.5, ratio=6.0)
    return Learner(model, strategy, torch.optim.SGD(model.parameters(), 0.1))


def test_a_weight_for_each_layer() -> None:
    """The gradient is that of D + β_1 R_1 + β_2 R_2, written out."""
    x, ours = observations()[:20], learner()
    order, noise = torch_stream("batches"), torch_stream("noise")
    train(ours, x, Budget(1, 20), Streams(order, noise), lambda _: None)
    assert isinstance(ours.strategy, Watching)
    assert ours.strategy.seen.layers == (2, 2)
    by_hand = linear()
    terms = Estimator().draw(
        by_hand, x[torch.randperm(20, generator=torch_stream("batches"))], torch_stream("noise")
    )
    low, high = terms.rate.split([2, 2], 1)
    (terms.distortion + 0.5 * low.sum(1) + 3 * high.sum(1)).mean().backward()
    for own, other in zip(ours.model.parameters(), by_hand.parameters(), strict=True):
        assert other.grad is not None
        torch.testing.assert_close(own, other - 0.1 * other.grad)


def test_layers_are_numbered_and_checked() -> None:
    now = Stats(torch.tensor(0), 9, torch.ones(3), torch.ones(3, 6), layers=(3, 1, 2))
    assert now.layer_of.tolist() == [0, 0, 0, 1, 2, 2]
    assert replace(now, layers=None).layer_of.tolist() == [0] * 6
    with pytest.raises(ArgumentError, match=r"Stats.layers: \(2, 2\) is not allowed"):
        Stats(torch.tensor(0), 9, torch.ones(3), torch.ones(3, 5), layers=(2, 2))
