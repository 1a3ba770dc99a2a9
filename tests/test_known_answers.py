"""The linear VAE, of which everything is known: probabilistic PCA with unit noise.

Lucas, Tucker, Grosse & Norouzi 2019, arXiv:1911.02469. With weight β the optimum of
D + βR over W, encoder and variance has, in each eigen-direction of the data's covariance with
eigenvalue λ, squared length λ − β of W and rate ½ log(λ/β) if λ > β, and both 0 otherwise.
"""

from functools import cache

import numpy as np
import pytest
import torch

from tests.learning import train
from tests.linear_gaussian import LinearGaussian
from vaebench.distributions import DiagonalGaussian
from vaebench.metrics.bound import elbo
from vaebench.metrics.comparison import compare
from vaebench.metrics.importance import importance
from vaebench.seeds import torch_stream
from vaebench.strategies.constant import Constant

EIGENVALUES = (9.0, 5.0, 2.5, 1.4, 0.7, 0.3)


def data(count: int = 600, *names: object) -> torch.Tensor:
    """(N, 6) whose sample covariance has exactly these eigenvalues, in random directions."""
    random = np.random.default_rng(len(names))
    x = random.normal(size=(count, len(EIGENVALUES)))
    x = np.linalg.qr(x - x.mean(0))[0] * np.sqrt(count)
    rotation = np.linalg.qr(np.random.default_rng(9).normal(size=(6, 6)))[0]
    return torch.from_numpy(x * np.sqrt(EIGENVALUES) @ rotation).float()


@cache
def optimal(beta: float) -> LinearGaussian:
    """The linear VAE of :func:`data`; one training serves several tests."""
    return trained(beta, 6, data())


def trained(beta: float, latents: int, x: torch.Tensor) -> LinearGaussian:
    """The linear VAE after 150 epochs at a high and 100 at a low learning rate."""
    model = LinearGaussian(6, latents)
    model.initialise(torch_stream("known", latents))
    for stage, (rate, epochs) in enumerate(((3e-2, 150), (2e-3, 100))):
        train(
            model,
            Constant(beta=beta),
            torch.optim.Adam(model.parameters(), rate),
            x,
            epochs=epochs,
            batch_size=200,
            order=torch_stream("order", stage),
            noise=torch_stream("noise", stage),
            after_epoch=lambda _: None,
        )
    return model.eval()


@pytest.mark.parametrize("beta", [1.0, 2.0])
def test_directions_with_an_eigenvalue_below_beta_collapse(beta: float) -> None:
    model, values = optimal(beta), np.array(EIGENVALUES)
    weights = model.decoder.weight.detach().numpy()
    found = np.sort(np.linalg.eigvalsh(weights @ weights.T))[::-1]
    np.testing.assert_allclose(found, np.maximum(values - beta, 0), rtol=0.06, atol=0.1)
    alive = values > beta + 0.2
    assert (found[~alive] < 1e-2).all(), "collapsed exactly, not nearly"
    rate = model.encode(data()).rate(model.prior()).sum(1).mean().item()
    expected = 0.5 * np.log(values[values > beta] / beta).sum()
    assert rate == pytest.approx(expected, abs=0.06)


def test_at_the_optimum_the_bound_is_the_likelihood_and_before_it_is_below() -> None:
    """ELBO ≤ L_K ≤ exact; equal at the optimum of β = 1 alone: β = 2 leaves a gap."""
    x = data()
    gaps = {}
    for beta in (1.0, 2.0):
        model = optimal(beta)
        exact = model.exact(x)
        bound = elbo(model, x, torch_stream("elbo"), samples=100)["elbo"].numpy()
        weighted = importance(model, x, torch_stream("is"), samples=200)
        tight = weighted["log_likelihood"].numpy()
        error = (exact - bound).std() / len(x) ** 0.5
        assert bound.mean() < tight.mean() + 4 * error
        assert tight.mean() < exact.mean() + 0.01
        gaps[beta] = exact.mean() - bound.mean()
    assert -0.02 < gaps[1.0] < 0.04
    assert gaps[2.0] > 0.1


def test_the_optimum_is_that_of_probabilistic_pca() -> None:
    """The trained exact likelihood is the maximum over all W, known from the eigenvalues."""
    values = np.array(EIGENVALUES)
    kept = np.maximum(values, 1)
    best = -0.5 * (np.log(2 * np.pi * kept) + values / kept).sum()
    found = optimal(1.0).exact(data()).mean()
    assert found == pytest.approx(best, abs=0.02)
    assert found < best + 1e-3, "nothing can be above the maximum"


def test_the_marginal_likelihood_finds_the_number_of_latents() -> None:
    """Two strong directions: one latent is too few; a third gains nothing that can be told."""
    random = np.random.default_rng(3)
    mixing = np.linalg.qr(random.normal(size=(6, 2)))[0] * np.array([3.0, 2.0])
    x = torch.from_numpy(
        random.normal(size=(1_200, 2)) @ mixing.T + random.normal(size=(1_200, 6))
    ).float()
    values = {}
    for latents in (1, 2, 3):
        model = trained(1.0, latents, x[:600])
        found = importance(model, x[600:], torch_stream("is"), samples=100)
        values[str(latents)] = found["log_likelihood"]
    rows = {row["model"]: row for row in compare(values)}
    assert rows["1"]["difference"] + 4 * rows["1"]["standard_error"] < 0  # type: ignore[operator]
    assert rows["1"]["log_bayes_factor"] < -100  # type: ignore[operator]
    between = (values["3"] - values["2"]).numpy()
    assert abs(between.mean()) < 3 * between.std() / len(between) ** 0.5 + 0.01


def test_the_closed_rate_is_that_of_the_optimum() -> None:
    """The derivation above, for one direction: posterior variance β/λ, mean (w/λ)·x."""
    beta, value = 2.0, 5.0
    shift, variance = np.sqrt(value - beta) / value, beta / value
    x = torch.tensor([[1.0], [-1.0]]) * value**0.5
    q = DiagonalGaussian(shift * x, torch.full((2, 1), variance).log())
    standard = DiagonalGaussian(torch.zeros(1), torch.zeros(1))
    assert q.rate(standard).mean().item() == pytest.approx(0.5 * np.log(value / beta), abs=1e-6)
