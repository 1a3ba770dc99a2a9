"""L_K against closed forms, the planted model, and k̂ against arviz."""

from typing import Any

import numpy as np
import pytest
import scipy.stats
import torch

from tests.linear_gaussian import linear_model, observations, with_true_posterior
from vaebench.datasets.planted import Planted, log_marginal
from vaebench.datasets.protocol import Protocol, split
from vaebench.distributions import DiagonalGaussian
from vaebench.likelihoods import Multinomial
from vaebench.metrics.bound import elbo
from vaebench.metrics.importance import (
    effective_samples,
    importance,
    log_weights,
    pareto_k,
    pareto_shape,
)
from vaebench.models.mult_vae import MultVAE
from vaebench.seeds import torch_stream
from vaebench.sparse import SparseRows


def test_with_the_true_posterior_every_weight_is_the_likelihood() -> None:
    """Then ELBO = L_K = log p(x) for every K, ESS = K, and there is no tail."""
    model, x = with_true_posterior(linear_model()), observations()[:50]
    exact = torch.from_numpy(model.exact(x))
    weights = log_weights(model, x, torch_stream("z"), 40)
    torch.testing.assert_close(weights, exact[:, None].expand(-1, 40), atol=1e-4, rtol=1e-5)
    found = importance(model, x, torch_stream("z"), samples=40)
    torch.testing.assert_close(found["log_likelihood"], exact, atol=1e-4, rtol=1e-5)
    torch.testing.assert_close(found["ess"], torch.full_like(exact, 40), atol=0.01, rtol=0)


def test_the_bounds_are_ordered_and_reach_the_exact_likelihood() -> None:
    """ELBO = L_1 < L_3 < L_1000 ≈ log p(x), with a posterior twice too wide."""
    model, x = with_true_posterior(linear_model(), 2.0), observations()[:200]
    exact = model.exact(x).mean()
    bound = elbo(model, x, torch_stream("elbo"), samples=400)["elbo"].mean().item()
    values = {
        samples: importance(model, x, torch_stream("is"), samples=samples)
        for samples in (1, 3, 1_000)
    }
    means = {samples: found["log_likelihood"].mean().item() for samples, found in values.items()}
    assert means[1] == pytest.approx(bound, abs=0.3)
    assert bound + 0.3 < means[3] < means[1_000] - 0.1
    assert means[1_000] == pytest.approx(exact, abs=0.01)
    assert (values[1_000]["pareto_k"] < 0.7).all()


def test_a_narrow_posterior_is_told_by_its_weights() -> None:
    """A quarter of the true width: the mean weight has no variance, and L_K stays below."""
    x = observations()[:60]
    exact = with_true_posterior(linear_model()).exact(x)
    found = {
        widening: importance(
            with_true_posterior(linear_model(), widening), x, torch_stream("is"), samples=1_000
        )
        for widening in (0.25, 1.3)
    }
    narrow, wide = found[0.25], found[1.3]
    assert narrow["pareto_k"].median() > 0.7
    assert wide["pareto_k"].median() < 0.5
    assert narrow["ess"].median() < 150
    assert wide["ess"].median() > 500
    assert narrow["log_likelihood"].mean() < exact.mean() - 0.05


def test_chunks_change_nothing_but_the_memory() -> None:
    """One example at a time, or the samples in parts: the same estimator, bounded rows."""
    model, x = with_true_posterior(linear_model(), 1.2), observations()[:7]
    seen: list[int] = []
    decode = model.decode
    model.decode = lambda z: seen.append(len(z)) or decode(z)  # type: ignore[assignment,func-returns-value]
    found = {
        rows: importance(model, x, torch_stream("is"), samples=300, rows=rows)["log_likelihood"]
        for rows in (30, 450, 10_000)
    }
    assert max(seen) == 7 * 300
    torch.testing.assert_close(found[30], found[450])
    torch.testing.assert_close(found[30], found[10_000], atol=0.1, rtol=0)
    seen.clear()
    importance(model, x, torch_stream("is"), samples=300, rows=30)
    assert max(seen) == 30


class PlantedDecoder(MultVAE):
    """The planted decoder with the prior as posterior."""

    planted: tuple[torch.Tensor, torch.Tensor]

    def encode(self, x: SparseRows, noise: Any = None) -> DiagonalGaussian:  # type: ignore[override]  # noqa: ARG002
        zero = torch.zeros(len(x), 2, dtype=torch.float64)
        return DiagonalGaussian(zero, zero)

    def decode(self, z: torch.Tensor) -> Multinomial:
        weights, bias = self.planted
        return Multinomial(z.double() @ weights.T + bias)


def planted() -> tuple[torch.Tensor, torch.Tensor, SparseRows, torch.Tensor]:
    """Decoder weights and bias, 30 users, and their exact log p(x)."""
    data = Planted(
        users=40,
        items=110,
        latents=2,
        split=Protocol(min_items_per_user=0, validation_users=5, test_users=5),
    )
    weights, bias = data.decoder()
    parts = split(data.read(None), data.split)
    vocabulary = torch.from_numpy(parts.ids["items"])
    x = SparseRows.from_scipy(parts.matrices["train"])
    weights, bias = weights[vocabulary], bias[vocabulary]
    return weights, bias, x, log_marginal(weights, bias, x, torch_stream("exact"), 500)


def test_the_planted_model_whose_likelihood_is_known() -> None:
    """Interactions, a poor encoder (the prior): L_K lies below the exact value and comes near."""
    weights, bias, x, exact = planted()
    true = PlantedDecoder(x.columns, hidden=2, latents=2, dropout=0)
    true.planted = weights, bias
    near, far = (
        importance(true, x, torch_stream("is"), samples=k)["log_likelihood"] for k in (4_000, 5)
    )
    assert near.mean().item() == pytest.approx(exact.mean().item(), abs=0.1)
    assert far.mean() < exact.mean() - 1


ARVIZ = [
    ("normal", 100, -1.2718532231445445),
    ("normal", 1000, -1.4781268293470595),
    ("wide", 1000, 1.0526745117130007),
    ("wide", 5000, 0.6039041453021066),
    ("heavy", 2000, 0.8692138678528314),
    ("light", 400, -0.8983610234616811),
    ("normal", 30, -0.7302488871178199),
]
"""Log weights by kind, K, and k̂ of ``arviz.psislw`` 0.23.4 (arviz is no dependency)."""


def test_k_hat_is_that_of_arviz() -> None:
    for seed, (kind, samples, expected) in enumerate(ARVIZ):
        e = np.random.default_rng(seed).normal(size=samples)
        weights = {
            "normal": -0.5 * e**2 * 0.3 + 0.1 * e,
            "wide": 2 * e,
            "heavy": 0.5 * e**2,
            "light": -np.abs(e),
        }[kind]
        found = pareto_k(torch.from_numpy(np.stack([weights, weights + 300, weights - 900])))
        np.testing.assert_allclose(found, expected, rtol=1e-6, err_msg=kind)


@pytest.mark.parametrize("shape", [-0.3, 0.2, 0.9])
def test_the_shape_of_a_pareto_distribution_is_found(shape: float) -> None:
    draws = scipy.stats.genpareto(shape, scale=2.5).rvs((20, 2_000), random_state=1)
    found = pareto_shape(torch.from_numpy(np.sort(draws, 1)))
    assert found.mean().item() == pytest.approx(shape, abs=0.02)


def test_k_hat_at_its_edges() -> None:
    same = torch.zeros(1, 100, dtype=torch.float64)
    alone = torch.full((1, 100), -2_000.0, dtype=torch.float64)
    alone[0, 7] = 0
    assert pareto_k(same).item() == 0
    assert pareto_k(alone).item() == torch.inf
    assert torch.isnan(pareto_k(same[:, :20])).all()


def test_effective_samples_count_equal_weights() -> None:
    weights = torch.full((2, 8), -torch.inf, dtype=torch.float64)
    weights[0, :5] = -1_000
    weights[1, :1] = 700
    torch.testing.assert_close(effective_samples(weights), torch.tensor([5.0, 1.0]).double())
