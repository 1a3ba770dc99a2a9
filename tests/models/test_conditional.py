"""A conditional linear Gaussian model: log p(x|c) exact, and the plain one where c says nothing."""

import numpy as np
import pytest
import scipy.stats
import torch
from torch import Tensor

from tests.linear_gaussian import LinearGaussian, UnitGaussian, observations
from vaebench.contracts import check_model
from vaebench.distributions import DiagonalGaussian
from vaebench.likelihoods import Likelihood
from vaebench.metrics.annealed import annealed
from vaebench.metrics.bound import elbo
from vaebench.metrics.importance import importance
from vaebench.metrics.latents import latents
from vaebench.models.image_mlp import ImageMLP
from vaebench.seeds import torch_stream
from vaebench.training.estimators import Estimator

ONE = torch.ones(())


class Conditional(LinearGaussian):
    """Probabilistic PCA per class: c = whether x_1 > 0, z ~ N(m_c, s_c²), x = W z + b + V_c + ε.

    The first pixel is described like the others: a model of all pixels, given the class.
    """

    def __init__(self, features: int, latents: int = 2) -> None:
        super().__init__(features, latents)
        self.means = torch.nn.Parameter(torch.zeros(2, latents))
        self.shifts = torch.nn.Parameter(torch.zeros(2, features))

    def given(self, x: Tensor) -> Tensor:  # type: ignore[override]
        """One-hot, (B, 2)."""
        return torch.stack([x[:, 0] > 0, x[:, 0] <= 0], 1).float()

    def prior(self, given: Tensor | None = None) -> DiagonalGaussian:
        """N(m_c, (1, ¼)) of the class."""
        assert given is not None
        mean = given @ self.means
        return DiagonalGaussian(mean, torch.log(1 - 0.75 * given[:, 1:]).expand_as(mean))

    def decode(self, z: Tensor, given: Tensor | None = None) -> UnitGaussian:
        """N(W z + b + V_c, I)."""
        assert given is not None
        return UnitGaussian(self.decoder(z) + given @ self.shifts)

    def exact_given(self, x: Tensor) -> np.ndarray:
        """Log N(x; W m_c + b + V_c, s_c² W Wᵀ + I), (B,)."""
        weights, bias, means, shifts = (
            p.detach().double().numpy()
            for p in (self.decoder.weight, self.decoder.bias, self.means, self.shifts)
        )
        found = []
        for one in x:
            c, spread = (0, 1.0) if one[0] > 0 else (1, 0.25)
            covariance = spread * weights @ weights.T + np.eye(len(weights))
            mean = weights @ means[c] + bias + shifts[c]
            found.append(scipy.stats.multivariate_normal(mean, covariance).logpdf(one.numpy()))
        return np.array(found)


def conditional() -> Conditional:
    model = Conditional(6)
    model.initialise(torch_stream("conditional"))
    with torch.no_grad():
        for parameter in (model.decoder.weight, model.means, model.shifts):
            parameter.mul_(8)
        model.log_variance.fill_(1.5)  # a wide proposal, since the encoder is untrained
    return model.eval()


def test_bound_and_likelihoods_are_of_x_given_the_class() -> None:
    model, x = conditional(), observations()[:8]
    assert set(model.given(x)[:, 0].tolist()) == {0.0, 1.0}
    exact = torch.from_numpy(model.exact_given(x))
    many = importance(model, x, torch_stream("k"), samples=20_000, rows=200_000)["log_likelihood"]
    torch.testing.assert_close(many, exact, atol=0.2, rtol=0)
    second = annealed(model, x, torch_stream("a"), temperatures=60, chains=40)
    torch.testing.assert_close(second["log_likelihood_ais"], exact, atol=0.3, rtol=0)
    assert (elbo(model, x, torch_stream("z"), samples=200)["elbo"] < exact).all()


@pytest.mark.parametrize("kind", ["sgvb_a", "sgvb_b"])
def test_training_climbs_the_conditional_bound(kind: str) -> None:
    """The mean loss of many draws is minus the mean ELBO."""
    model, x = conditional(), observations()[:50]
    estimator, noise = Estimator(kind, 500), torch_stream("draws")  # type: ignore[arg-type]
    loss = estimator.loss(estimator.draw(model, x, noise), ONE).mean().item()
    bound = elbo(model, x, torch_stream("z"), samples=500)["elbo"].mean().item()
    assert -loss == pytest.approx(bound, rel=0.01)


class Uninformed(Conditional):
    """The class says nothing about z or x."""

    def prior(self, given: Tensor | None = None) -> DiagonalGaussian:
        """N(0, I)."""
        assert given is not None
        return DiagonalGaussian(torch.zeros(len(given), 2), torch.zeros(len(given), 2))


def test_a_class_that_says_nothing_leaves_the_plain_model() -> None:
    plain, other, x = LinearGaussian(6), Uninformed(6), observations()[:50]
    plain.initialise(torch_stream("linear"))
    other.load_state_dict(plain.state_dict(), strict=False)
    for metric in (elbo, importance):
        one, two = (metric(model, x, torch_stream("z"), samples=30) for model in (plain, other))
        for name, values in one.items():
            torch.testing.assert_close(two[name], values)
    one, two = (latents(model, x, torch_stream("z")) for model in (plain, other))
    torch.testing.assert_close(two["rate"], one["rate"])


class ConditionalMLP(ImageMLP):
    """The first pixel is the condition of prior and decoder."""

    def __init__(self, features: int) -> None:
        super().__init__(features, hidden=[5], latents=3)
        self.slope = torch.nn.Linear(1, 3)

    def given(self, x: Tensor) -> Tensor:  # type: ignore[override]
        return x[:, :1]

    def prior(self, given: Tensor | None = None) -> DiagonalGaussian:
        assert given is not None
        mean = self.slope(given)
        return DiagonalGaussian(mean, torch.zeros_like(mean))

    def decode(self, z: Tensor, given: Tensor | None = None) -> Likelihood:
        assert given is not None
        return super().decode(z + given)


def test_such_a_model_keeps_the_contract() -> None:
    check_model(ConditionalMLP)
