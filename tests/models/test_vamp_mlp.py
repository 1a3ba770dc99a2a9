"""VampPrior: one pseudo-input is a fixed Gaussian, several are a mixture; both exactly."""

import numpy as np
import pytest
import scipy.special
import scipy.stats
import torch
from torch import Tensor

from tests.linear_gaussian import observations
from vaebench.contracts import check_model
from vaebench.distributions import DiagonalGaussian
from vaebench.metrics.annealed import annealed
from vaebench.metrics.bound import elbo
from vaebench.metrics.importance import importance
from vaebench.metrics.latents import latents
from vaebench.models.pixels import Pixels
from vaebench.models.vamp_mlp import Mixture, VampMLP
from vaebench.seeds import torch_stream
from vaebench.training.estimators import Estimator

UNIT = Pixels(family="gaussian", mean="identity", variance="fixed")


def linear(components: int) -> VampMLP:
    model = VampMLP(6, hidden=[], latents=2, components=components, likelihood=UNIT)
    model.initialise(torch_stream("vamp", components))
    with torch.no_grad():
        model.decoder.inputs.mul_(8)
        model.encoder[0].weight[2:] *= 0.2  # type: ignore[index]
        model.encoder[0].bias[2:] = 1.0  # type: ignore[index]  # wide: the encoder is untrained
    return model.eval()


def exact(model: VampMLP, x: Tensor) -> Tensor:
    """Log (1/K) Σ_k N(x; W m_k + b, W S_k Wᵀ + I), m_k and S_k those of q(z|u_k)."""
    with torch.no_grad():
        layer = model.decoder.network[0]  # type: ignore[index]
        weights, bias = (p.double().numpy() for p in (layer.weight, layer.bias))
        parts = model.encode(torch.sigmoid(model.decoder.inputs))
    means, spreads = parts.mean.double().numpy(), parts.log_variance.double().exp().numpy()
    found = [
        scipy.stats.multivariate_normal(
            weights @ m + bias, weights @ np.diag(s) @ weights.T + np.eye(6)
        ).logpdf(x.numpy())
        for m, s in zip(means, spreads, strict=True)
    ]
    return torch.from_numpy(scipy.special.logsumexp(found, 0) - np.log(len(found)))


@pytest.mark.parametrize("components", [1, 4])
def test_likelihoods_are_exact_and_the_bound_below(components: int) -> None:
    model, x = linear(components), observations()[:6] / 5
    expected = exact(model, x)
    many = importance(model, x, torch_stream("k"), samples=5_000, rows=30_000)["log_likelihood"]
    torch.testing.assert_close(many, expected, atol=0.1, rtol=0)
    second = annealed(model, x, torch_stream("a"), temperatures=100, chains=30)
    torch.testing.assert_close(second["log_likelihood_ais"], expected, atol=0.3, rtol=0)
    assert (elbo(model, x, torch_stream("z"), samples=200)["elbo"] < expected).all()


@torch.no_grad()
def test_one_pseudo_input_is_a_gaussian_with_a_closed_rate() -> None:
    model, x = linear(1), observations()[:20]
    prior, q = model.prior(), model.encode(x)
    assert isinstance(prior, DiagonalGaussian)
    rate = model.rate(x, q, q.mean)
    torch.testing.assert_close(rate, q.rate(model.encode(torch.sigmoid(model.decoder.inputs))))
    draws = Estimator("sgvb_a", 4_000).draw(model, x, torch_stream("z")).rates
    error = draws.std(0) / 4_000**0.5
    assert ((draws.mean(0) - rate).abs() < 5 * error + 1e-5).all()


@torch.no_grad()
def test_equal_pseudo_inputs_are_one() -> None:
    one, many, x = linear(1), linear(3), observations()[:20]
    state = one.state_dict()
    state["decoder.inputs"] = state["decoder.inputs"].expand(3, 6)
    many.load_state_dict(state)
    z = one.encode(x).rsample(torch_stream("z"))
    torch.testing.assert_close(
        many.prior().log_prob(z), one.prior().log_prob(z).expand_as(z), atol=1e-5, rtol=1e-5
    )


@torch.no_grad()
def test_the_mixture_by_hand() -> None:
    model = linear(4)
    prior = model.prior()
    assert isinstance(prior, Mixture)
    z = prior.sample(torch_stream("prior"), 30_000)
    means, spread = prior.parts.mean, prior.parts.log_variance.exp()
    torch.testing.assert_close(z.mean(0), prior.mean, atol=0.05, rtol=0)
    second = (means**2 + spread).mean(0)
    torch.testing.assert_close((z**2).mean(0), second, atol=0, rtol=0.05)
    hills = torch.distributions.Independent(torch.distributions.Normal(means, spread.sqrt()), 1)
    evenly = torch.distributions.Categorical(torch.ones(4))
    theirs = torch.distributions.MixtureSameFamily(evenly, hills)
    torch.testing.assert_close(prior.log_prob(z[:90]).sum(1), theirs.log_prob(z[:90]))
    first = torch.distributions.MixtureSameFamily(
        evenly, torch.distributions.Normal(means[:, 0], spread[:, 0].sqrt())
    )
    torch.testing.assert_close(prior.log_prob(z[:90])[:, 0], first.log_prob(z[:90, 0]))
    many = torch.stack([z[:6], z[6:12]])
    assert prior.log_prob(many).shape == (2, 6, 2)


def test_contract_and_learning_pseudo_inputs() -> None:
    check_model(VampMLP, hidden=[5], latents=3, components=4)
    check_model(VampMLP, hidden=[5], latents=3, components=1)
    model, x = linear(4), observations()[:50]
    terms = Estimator().draw(model, x, torch_stream("z"))
    Estimator().loss(terms, torch.ones(())).mean().backward()
    assert model.decoder.inputs.grad is not None
    assert (model.decoder.inputs.grad.abs().sum(1) > 0).all()
    assert latents(model, x, torch_stream("z"))["rate"].shape == (2,)
