"""The three parts of the rate: their sum, and each where it is known."""

import math

import numpy as np
import pytest
import scipy.special
import scipy.stats
import torch
from torch import Tensor

from vaebench.distributions import DiagonalGaussian, standard_normal
from vaebench.errors import ConfigError
from vaebench.metrics.bound import elbo
from vaebench.metrics.latents import mutual_information
from vaebench.models.beta_tcvae import BetaTCVAE, parts
from vaebench.models.image_mlp import ImageMLP
from vaebench.seeds import torch_stream
from vaebench.strategies.capacity import Capacity
from vaebench.strategies.linear import Linear
from vaebench.training.estimators import Estimator
from vaebench.training.weighing import check_weighs

ONE = torch.ones(())
STANDARD = standard_normal(2, torch.device("cpu"))


def grid(side: int = 9) -> Tensor:
    """Means at every combination of two coordinates, (side², 2), float64."""
    axis = torch.linspace(-2, 2, side, dtype=torch.float64)
    return torch.cartesian_prod(axis, axis)


def posterior(means: Tensor, log_variance: tuple[float, float]) -> DiagonalGaussian:
    return DiagonalGaussian(means, torch.tensor(log_variance, dtype=torch.float64).expand_as(means))


def turned(means: Tensor, degrees: float) -> Tensor:
    angle = math.radians(degrees)
    rotation = [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]
    return means @ torch.tensor(rotation, dtype=means.dtype)


def test_latents_in_all_combinations_have_no_total_correlation() -> None:
    """Then q(z) is the product of the q(z_j): at every z, not only on average."""
    q = posterior(grid(), (-1.0, -2.0))
    found = parts(q, STANDARD, q.rsample(torch_stream("z")))
    torch.testing.assert_close(found.correlation, torch.zeros(81, dtype=torch.float64))
    assert found.information.mean() > 1


@pytest.mark.parametrize("degrees", [0, 45])
def test_each_part_against_integrals(degrees: float) -> None:
    """Sums over a fine grid of z of the densities that SciPy gives."""
    means, deviation = turned(grid(3), degrees), 0.5
    q = posterior(means, (2 * math.log(deviation),) * 2)
    draws = [parts(q, STANDARD, q.rsample(torch_stream("z", i))) for i in range(4_000)]
    ours = np.array([[part.mean() for part in each] for each in draws])
    axis = np.linspace(-6, 6, 241)
    cell = (axis[1] - axis[0]) ** 2
    one = scipy.stats.norm.logpdf(axis[:, None, None], means.numpy(), deviation)
    single = scipy.special.logsumexp(one, axis=1) - math.log(9)  # (points, 2)
    product = single[:, None, 0] + single[None, :, 1]
    joint = scipy.special.logsumexp(one[:, None, :, 0] + one[None, :, :, 1], axis=2) - math.log(9)
    density = np.exp(joint) * cell
    entropy = -math.log(deviation) * 2 - 1 - math.log(2 * math.pi)
    prior = scipy.stats.norm.logpdf(axis)
    theirs = [
        entropy - (density * joint).sum(),
        (density * (joint - product)).sum(),
        (density * (product - prior[:, None] - prior[None])).sum(),
    ]
    error = ours.std(0) / len(ours) ** 0.5
    assert (np.abs(ours.mean(0) - theirs) < 5 * error + 1e-6).all()
    assert (theirs[1] > 0.05) == (degrees == 45)


def made(**options: float) -> tuple[BetaTCVAE, ImageMLP, Tensor]:
    """The model, the plain one with the same weights, and pictures."""
    ours = BetaTCVAE(12, hidden=[8], latents=3, **options)  # type: ignore[arg-type]
    plain = ImageMLP(12, hidden=[8], latents=3)
    ours.initialise(torch_stream("weights"))
    with torch.no_grad():
        for mine, other in zip(ours.parameters(), plain.parameters(), strict=True):
            other.copy_(mine)
    return ours, plain, (torch.rand(40, 12, generator=torch_stream("x")) < 0.5).float()


def test_the_parts_sum_to_the_rate_at_the_sample() -> None:
    model, _, x = made()
    q = model.encode(x)
    z = q.rsample(torch_stream("z"))
    rate = (q.log_prob(z) - model.prior().log_prob(z)).sum(1)
    torch.testing.assert_close(sum(parts(q, model.prior(), z)), rate)


def test_with_weights_of_one_it_learns_as_a_vae() -> None:
    """The loss of every example and all gradients are those of estimator A."""
    ours, plain, x = made()
    for model, estimator in ((ours, Estimator()), (plain, Estimator("sgvb_a"))):
        terms = estimator.draw(model, x, torch_stream("z"))
        model.zero_grad()
        losses = estimator.loss(terms, ONE)
        losses.mean().backward()
        if model is ours:
            mine = losses
    torch.testing.assert_close(mine, losses)
    for one, other in zip(ours.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad, rtol=1e-4, atol=1e-6)


def test_beta_weighs_the_correlation_and_the_options_the_rest() -> None:
    model, _, x = made(information=0.5, dimensions=3.0)
    terms = Estimator().draw(model, x, torch_stream("z"))
    q = model.encode(x)
    z = q.rsample(torch_stream("z"))
    found = parts(q, model.prior(), z)
    expected = 0.5 * found.information + 6 * found.correlation + 3 * found.dimensions
    expected = expected - model.decode(z).log_prob(x)
    torch.testing.assert_close(Estimator().loss(terms, 6 * ONE), expected)


def test_the_bound_is_that_of_the_plain_model() -> None:
    ours, plain, x = made()
    one, other = (elbo(m, x, torch_stream("e")) for m in (ours, plain))
    assert all(torch.equal(one[name], other[name]) for name in ("distortion", "rate", "elbo"))


def test_the_information_is_what_the_metric_says() -> None:
    model, _, x = made()
    q = model.eval().encode(x)
    found = parts(q, model.prior(), q.rsample(torch_stream("mi"))).information.mean().item()
    expected = mutual_information(model, x, torch_stream("mi"))["mutual_information"]
    assert found == pytest.approx(expected, rel=1e-4)


def test_targets_of_the_rate_are_refused() -> None:
    model = made()[0]
    check_weighs(Linear(cap=6.0), model)
    with pytest.raises(ConfigError, match=r"'Capacity' .* β weighs the total correlation"):
        check_weighs(Capacity(), model)
