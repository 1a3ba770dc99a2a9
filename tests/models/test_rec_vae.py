"""RecVAE against the paper's formulas written out with dense matrices."""

import math

import numpy as np
import pytest
import scipy.sparse
import scipy.stats
import torch
from scipy.special import logsumexp

from vaebench.components import create
from vaebench.errors import ConfigError
from vaebench.models.rec_vae import RecVAE
from vaebench.seeds import torch_stream
from vaebench.sparse import SparseRows

ITEMS, HIDDEN, LATENTS = 9, 6, 3


def users() -> SparseRows:
    matrix = scipy.sparse.random(8, ITEMS, density=0.4, format="csr", random_state=2)
    matrix.data[:] = 1
    return SparseRows.from_scipy(matrix)


def model() -> RecVAE:
    made = RecVAE(ITEMS, hidden=HIDDEN, latents=LATENTS)
    made.initialise(torch_stream("weights"))
    return made.eval()


def encoded(weights: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
    """The encoder in NumPy: five layers, each adding all earlier outputs before its swish."""

    def layer_norm(h: np.ndarray, number: int) -> np.ndarray:
        centred = h - h.mean(1, keepdims=True)
        scaled = centred / np.sqrt(h.var(1, keepdims=True) + 0.1)
        return scaled * weights[f"norms.{number}.weight"] + weights[f"norms.{number}.bias"]

    inputs = x / np.linalg.norm(x, axis=1, keepdims=True)
    before = inputs @ weights["items.weight"] + weights["items.bias"]
    hidden = [layer_norm(before / (1 + np.exp(-before)), 0)]
    for number in range(4):
        before = hidden[-1] @ weights[f"dense.{number}.weight"].T + weights[f"dense.{number}.bias"]
        before = before + sum(hidden)
        hidden.append(layer_norm(before / (1 + np.exp(-before)), number + 1))
    return hidden[-1] @ weights["heads.weight"].T + weights["heads.bias"]


def of(module: torch.nn.Module) -> dict[str, np.ndarray]:
    return {key: value.double().numpy() for key, value in module.state_dict().items()}


def test_encoder_is_the_dense_residual_network() -> None:
    rec_vae, x = model(), users()
    q = rec_vae.encode(x)
    expected = encoded(of(rec_vae.encoder), x.dense().double().numpy())
    found = torch.cat([q.mean, q.log_variance], 1).detach().numpy()
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_rate_is_the_log_ratio_to_the_mixture_of_each_latent() -> None:
    rec_vae, x = model(), users()
    q = rec_vae.encode(x)
    z = q.rsample(torch_stream("z"))
    mean, log_variance = np.split(
        encoded(of(rec_vae.old_encoder), x.dense().double().numpy()), 2, 1
    )
    at = z.detach().double().numpy()
    normal = scipy.stats.norm.logpdf
    densities = np.stack(
        [
            math.log(3 / 20) + normal(at, 0, 1),
            math.log(3 / 4) + normal(at, mean, np.exp(log_variance / 2)),
            math.log(1 / 10) + normal(at, 0, math.exp(5)),
        ]
    )
    own = normal(at, q.mean.detach().numpy(), np.exp(q.log_variance.detach().numpy() / 2))
    found = rec_vae.rate(x, q, z).detach().numpy()
    np.testing.assert_allclose(found, own - logsumexp(densities, axis=0), atol=1e-4)
    assert not np.allclose(mean, q.mean.detach()), "the old encoder must differ, or is not tested"


def test_the_mean_rate_is_the_divergence() -> None:
    """One-sample estimates average to KL(q ‖ mixture), found by quadrature."""
    rec_vae, x = model(), users()[torch.tensor([0])]
    with torch.no_grad():
        q, noise = rec_vae.encode(x), torch_stream("many")
        found = torch.stack([rec_vae.rate(x, q, q.rsample(noise)) for _ in range(4_000)])
    mean, log_variance = np.split(
        encoded(of(rec_vae.old_encoder), x.dense().double().numpy()), 2, 1
    )
    grid = np.linspace(-12, 12, 20_001)
    for j in range(LATENTS):
        own = scipy.stats.norm(q.mean[0, j].item(), math.exp(q.log_variance[0, j].item() / 2))
        mixture = (
            0.15 * scipy.stats.norm.pdf(grid)
            + 0.75 * scipy.stats.norm.pdf(grid, mean[0, j], math.exp(log_variance[0, j] / 2))
            + 0.1 * scipy.stats.norm.pdf(grid, 0, math.exp(5))
        )
        exact = np.trapezoid(own.pdf(grid) * (own.logpdf(grid) - np.log(mixture)), grid)
        draws = found[:, 0, j].double()
        assert abs(draws.mean() - exact) < 4 * draws.std() / len(draws) ** 0.5


def test_no_gradient_reaches_the_old_encoder() -> None:
    rec_vae, x = model().train(), users()
    q = rec_vae.encode(x, torch_stream("dropout"))
    rec_vae.rate(x, q, q.rsample(torch_stream("z"))).sum().backward()
    assert all(parameter.grad is None for parameter in rec_vae.old_encoder.parameters())


def test_the_prior_sees_undisturbed_input() -> None:
    """In training mode the encoder drops input, the prior's old encoder does not."""
    rec_vae, x = model().train(), users()
    q = rec_vae.encode(x, torch_stream("dropout"))
    z = q.rsample(torch_stream("z"))
    assert torch.equal(rec_vae.rate(x, q, z), rec_vae.rate(x, q, z))


def test_initialisation_is_that_of_torchs_linear_layers() -> None:
    rec_vae = RecVAE(400, hidden=100, latents=25)
    rec_vae.initialise(torch_stream("weights"))
    bounds = {
        rec_vae.encoder.items.weight: 400**-0.5,
        rec_vae.encoder.heads.weight: 100**-0.5,
        rec_vae.decoder.weight: 25**-0.5,
        rec_vae.old_encoder.items.weight: 400**-0.5,
    }
    for weights, bound in bounds.items():
        assert weights.abs().max() <= bound
        assert weights.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.05)


def test_mixture_weights_sum_to_one() -> None:
    spec = {"class": "rec_vae.RecVAE", "mixture": [0.5, 0.4, 0.3]}
    with pytest.raises(
        ConfigError, match=r"mixture: \[0.5, 0.4, 0.3\] is not allowed; it should sum"
    ):
        create("vaebench.models", spec, 5)
