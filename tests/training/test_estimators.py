"""Estimators on the linear VAE, where bound and gradient are known in closed form."""

import math

import pytest
import torch
from torch import Tensor

from tests.learning import train
from tests.linear_gaussian import (
    LinearGaussian,
    linear_model,
    observations,
    with_true_posterior,
)
from vaebench.errors import ConfigError
from vaebench.metrics.importance import log_weights
from vaebench.seeds import torch_stream
from vaebench.strategies.constant import Constant
from vaebench.strategies.cosine import Cosine
from vaebench.strategies.linear import Linear
from vaebench.strategies.per_interaction import PerInteraction
from vaebench.training.estimators import Estimator

ONE = torch.tensor(1.0)
DRAWS = 400


def model(scale: float = 8) -> LinearGaussian:
    """Weights and a posterior with something to estimate."""
    made = linear_model()
    with torch.no_grad():
        made.decoder.weight.mul_(scale)
        made.log_variance.fill_(-0.5)
    return made


def exact_bound(linear: LinearGaussian, x: Tensor) -> Tensor:
    """The ELBO in closed form: E_q log N(x; Wz + b, I) needs the moments of q alone."""
    q = linear.encode(x)
    residual = ((x - linear.decoder(q.mean)) ** 2).sum(1)
    spread = (torch.exp(q.log_variance) * (linear.decoder.weight**2).sum(0)).sum(1)
    expected = -0.5 * (residual + spread + x.shape[1] * math.log(2 * math.pi))
    return expected - q.rate(linear.prior()).sum(1)


def estimates(
    kind: str, samples: int, linear: LinearGaussian | None = None, draws: int = DRAWS
) -> Tensor:
    """(draws, B) independent estimates of the bound."""
    linear, x = linear or model(), observations()[:8]
    estimator, noise = Estimator(kind, samples), torch_stream(kind, samples)  # type: ignore[arg-type]
    return torch.stack(
        [-estimator.loss(estimator.draw(linear, x, noise), ONE) for _ in range(draws)]
    ).detach()


@pytest.mark.parametrize("samples", [1, 4])
def test_a_and_b_are_unbiased_for_the_same_bound(samples: int) -> None:
    exact = exact_bound(model(), observations()[:8]).detach()
    for kind in ("sgvb_a", "sgvb_b"):
        values = estimates(kind, samples)
        error = values.std(0) / DRAWS**0.5
        assert ((values.mean(0) - exact).abs() < 4 * error).all()
        assert error.max() < 1, "an error too large would see no bias"


def test_b_varies_less_at_the_start_and_a_not_at_all_at_the_true_posterior() -> None:
    """As AEVB says, B "typically" varies less: while z matters little to the decoder.

    With q(z|x) = p(z|x), log p(x, z) − log q(z|x) is log p(x) whatever z: A has no variance.
    """
    start, end = model(0.5), with_true_posterior(linear_model())
    variances = {
        (kind, name): estimates(kind, 1, linear).var(0).mean().item()
        for kind in ("sgvb_a", "sgvb_b")
        for name, linear in (("start", start), ("end", end))
    }
    assert variances["sgvb_b", "start"] < 0.7 * variances["sgvb_a", "start"]
    assert variances["sgvb_a", "end"] < 1e-6 < variances["sgvb_b", "end"]


def test_samples_divide_the_variance() -> None:
    one, many = (estimates("sgvb_b", samples).var(0).mean() for samples in (1, 8))
    assert (one / many).item() == pytest.approx(8, rel=0.25)


def gradients(kind: str) -> Tensor:
    """(DRAWS, P) gradients of the mean loss."""
    linear, x = model(), observations()[:8]
    estimator, noise = Estimator(kind, 2), torch_stream("gradient", kind)  # type: ignore[arg-type]
    rows = []
    for _ in range(DRAWS):
        loss = estimator.loss(estimator.draw(linear, x, noise), ONE).mean()
        found = torch.autograd.grad(loss, list(linear.parameters()))
        rows.append(torch.cat([g.flatten() for g in found]))
    return torch.stack(rows)


def test_gradients_are_equal_in_expectation() -> None:
    linear = model()
    exact = torch.autograd.grad(
        -exact_bound(linear, observations()[:8]).mean(), list(linear.parameters())
    )
    expected = torch.cat([g.flatten() for g in exact])
    for kind in ("sgvb_a", "sgvb_b"):
        found = gradients(kind)
        error = found.std(0) / DRAWS**0.5
        distance = (found.mean(0) - expected).abs() / (error + 1e-5)
        assert distance.max() < 4.5, kind
        assert distance.square().mean() < 2, kind


def test_importance_with_one_sample_is_a_and_with_more_the_bound_of_burda() -> None:
    linear, x = model(), observations()[:8]
    beta = torch.tensor([0.3, 2.0])
    a, weighted = Estimator("sgvb_a", 1), Estimator("importance", 1)
    one = a.loss(a.draw(linear, x, torch_stream("z")), beta)
    other = weighted.loss(weighted.draw(linear, x, torch_stream("z")), beta)
    torch.testing.assert_close(one, other)
    many = Estimator("importance", 50)
    ours = -many.loss(many.draw(linear, x, torch_stream("z")), ONE)
    weights = log_weights(linear, x, torch_stream("z"), 50)
    expected = torch.logsumexp(weights, 1) - math.log(50)
    torch.testing.assert_close(ours.double(), expected, atol=1e-4, rtol=1e-5)


def test_more_importance_samples_raise_the_bound_to_the_likelihood() -> None:
    linear, x = model(), observations()[:8]
    exact = linear.exact(x).mean()
    means = [estimates("importance", samples, draws=100).mean().item() for samples in (1, 5, 25)]
    assert means[0] < means[1] < means[2] < exact + 0.05


def test_the_loss_weighs_the_rate_by_beta() -> None:
    linear, x = model(), observations()[:8]
    beta = torch.rand(8, 2, generator=torch_stream("beta"))
    estimator = Estimator()
    terms = estimator.draw(linear, x, torch_stream("z"))
    q = linear.encode(x)
    distortion = -linear.decode(q.rsample(torch_stream("z"))).log_prob(x)
    expected = distortion + (beta * q.rate(linear.prior())).sum(1)
    assert torch.equal(estimator.loss(terms, beta), expected)


def test_importance_weights_are_refused_for_another_beta_than_one() -> None:
    """There they bound nothing; with one sample they are estimator A, whatever β is."""
    for strategy in (Linear(), Constant(beta=0.2), PerInteraction()):
        with pytest.raises(
            ConfigError, match=r"training\.estimator: .* β = 1 alone.*allowed: sgvb"
        ):
            Estimator("importance", 5).check_weight(strategy)
        for estimator in (Estimator("importance", 1), Estimator("sgvb_a", 5), Estimator()):
            estimator.check_weight(strategy)
    Estimator("importance", 5).check_weight(Constant(beta=1))
    linear = model()
    before = linear.decoder.weight.clone()
    with pytest.raises(ConfigError, match="Cosine may have another β"):
        train(
            linear,
            Cosine(),
            torch.optim.Adam(linear.parameters()),
            observations(),
            epochs=1,
            batch_size=100,
            order=torch_stream("order"),
            noise=torch_stream("noise"),
            after_epoch=lambda _: None,
            estimator=Estimator("importance", 5),
        )
    assert torch.equal(before, linear.decoder.weight), "nothing was trained"


def test_more_than_memory_holds_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"samples: 5000 samples .* at most 63"):
        Estimator("importance", 5_000).check_memory(100, 784, 80_000_000)
    Estimator("importance", 60).check_memory(100, 784, 80_000_000)
    Estimator("importance", 5_000).check_memory(100, 784, None)
