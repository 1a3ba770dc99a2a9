"""The discrepancy of codes from N(0, I): Gaussians in closed form, sums by hand, and learning."""

import numpy as np
import pytest
import torch

from tests.linear_gaussian import observations
from vaebench.errors import ConfigError
from vaebench.metrics.bound import elbo
from vaebench.models.pixels import Pixels
from vaebench.models.wae_mmd import SCALES, WAEMMD, discrepancy
from vaebench.seeds import numpy_stream, torch_stream
from vaebench.strategies.linear import Linear
from vaebench.strategies.soft_free_bits import SoftFreeBits
from vaebench.training.estimators import Estimator
from vaebench.training.weighing import check_weighs


def exact(shift: float, variance: float, latents: int) -> float:
    """MMD² of N(shift, variance·I) and N(0, I): Gaussian integrals of the three kernels' means."""
    total = 0.0
    for width in (2 * latents * scale for scale in SCALES):
        spread = width + 2 * (1 + variance)
        total += (width / (width + 4 * variance)) ** (latents / 2)
        total += (width / (width + 4)) ** (latents / 2)
        factor = np.exp(-latents * shift**2 / spread)
        total -= 2 * (width / spread) ** (latents / 2) * factor
    return total


@pytest.mark.parametrize(("shift", "variance"), [(0.0, 1.0), (0.7, 1.0), (0.0, 0.2), (-1.0, 3.0)])
def test_two_gaussians(shift: float, variance: float) -> None:
    """Unbiased: the mean over small batches is the closed form, 0 for the prior itself."""
    noise = torch_stream("codes", shift, variance)
    shape = (4_000, 8, 3)
    z = shift + variance**0.5 * torch.empty(shape, dtype=torch.float64).normal_(generator=noise)
    found = torch.stack([discrepancy(batch).mean() for batch in z])
    error = found.std() / len(found) ** 0.5
    assert abs(found.mean() - exact(shift, variance, 3)) < 4 * error
    assert (exact(shift, variance, 3) < 1e-12) == (variance == 1 and shift == 0)


def test_three_codes_by_hand() -> None:
    """Double loops over the codes, and draws of the prior in the place of its expectations."""
    codes, prior = np.array([[0.0, 1.0], [2.0, -1.0], [0.5, 0.5]]), numpy_stream("prior")
    drawn, again = (prior.normal(size=(400_000, 2)) for _ in range(2))

    def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return sum(np.exp(-((a - b) ** 2).sum(-1) / (4 * scale)) for scale in SCALES)

    for number, found in enumerate(discrepancy(torch.from_numpy(codes)).tolist()):
        others = [kernel(codes[number], codes[k]) for k in range(3) if k != number]
        expected = np.mean(others) - 2 * kernel(codes[number], drawn).mean()
        assert found == pytest.approx(expected + kernel(drawn, again).mean(), abs=0.02)


def test_a_batch_of_one_and_equal_codes_are_finite() -> None:
    for codes in (torch.ones(1, 2), torch.ones(5, 2)):
        z = codes.requires_grad_()
        found = discrepancy(z)
        found.sum().backward()
        assert torch.isfinite(found).all()
        assert z.grad is not None
        assert torch.isfinite(z.grad).all()


def learnt(beta: float) -> tuple[float, float]:
    """Distortion and MMD² after 300 updates on 200 pictures."""
    x = observations()[:200]
    likelihood = Pixels(family="gaussian", mean="identity", variance="fixed")
    model = WAEMMD(6, hidden=[], latents=2, likelihood=likelihood)
    model.initialise(torch_stream("weights"))
    optimizer = torch.optim.Adam(model.parameters(), 0.02)
    for _ in range(300):
        terms = Estimator().draw(model, x, torch_stream("z"))
        optimizer.zero_grad()
        Estimator().loss(terms, torch.tensor(beta)).mean().backward()
        optimizer.step()
    return terms.distortion.mean().item(), terms.penalty.mean().item()


def test_beta_draws_the_codes_to_the_prior() -> None:
    """At little loss here: a linear code of Gaussian pictures can be scaled to N(0, I)."""
    (free, far), (weighed, near) = learnt(0.0), learnt(100.0)
    assert far > 0.05
    assert near < 0.01
    assert free < weighed < free + 0.5


def test_no_rate_no_bound_and_strategies_of_any_unit() -> None:
    model = WAEMMD(6, hidden=[4], latents=2)
    model.initialise(torch_stream("weights"))
    x = (observations()[:9] > 0).float()
    assert set(elbo(model, x, torch_stream("noise"))) == {"distortion"}
    check_weighs(Linear(cap=100.0), model)
    with pytest.raises(ConfigError, match="β weighs the maximum mean discrepancy"):
        check_weighs(SoftFreeBits(), model)
