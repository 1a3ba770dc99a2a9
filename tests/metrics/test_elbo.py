"""The ELBO on the planted model, whose exact likelihood is known."""

import numpy as np
import torch

from vaebench.datasets.planted import Planted, log_marginal
from vaebench.datasets.protocol import Protocol, split
from vaebench.distributions import DiagonalGaussian
from vaebench.likelihoods import Multinomial
from vaebench.metrics.bound import elbo
from vaebench.models import VAE
from vaebench.seeds import torch_stream
from vaebench.sparse import SparseRows


class _TrueDecoder(VAE):
    """The planted decoder with the prior as posterior, shifted by ``shift``: a poor encoder."""

    data_kind = "interactions"

    def __init__(self, weights: torch.Tensor, bias: torch.Tensor, shift: float) -> None:
        super().__init__()
        self.latents, self.shift = weights.shape[1], shift
        self.weights, self.bias = torch.nn.Parameter(weights), torch.nn.Parameter(bias)

    def initialise(self, noise: torch.Generator) -> None: ...

    def encode(self, x: SparseRows, noise: torch.Generator | None = None) -> DiagonalGaussian:  # type: ignore[override]  # noqa: ARG002
        mean = torch.full((len(x), self.latents), self.shift, dtype=torch.float64)
        return DiagonalGaussian(mean, torch.zeros_like(mean))

    def decode(self, z: torch.Tensor) -> Multinomial:
        return Multinomial(z @ self.weights.T + self.bias)


def planted() -> tuple[torch.Tensor, torch.Tensor, SparseRows]:
    data = Planted(
        users=120,
        items=110,
        latents=2,
        split=Protocol(min_items_per_user=0, validation_users=10, test_users=10),
    )
    weights, bias = data.decoder()
    parts = split(data.read(None), data.split)
    vocabulary = torch.from_numpy(parts.ids["items"])
    x = SparseRows.from_scipy(parts.matrices["train"])
    return weights[vocabulary], bias[vocabulary], x


def test_the_bound_lies_below_the_exact_likelihood_of_every_user() -> None:
    weights, bias, x = planted()
    exact = log_marginal(weights, bias, x, torch_stream("exact"), 500)
    for shift in (0.0, 0.5):
        model = _TrueDecoder(weights, bias, shift)
        values = elbo(model, x, torch_stream("bound"), samples=1_000)
        assert (values["elbo"] < exact).all()
        np.testing.assert_allclose(
            values["elbo"].numpy(), -(values["distortion"] + values["rate"]).numpy()
        )
    # the same comparison must see a bound that is none: forgetting the rate
    assert (-values["distortion"] + 50 > exact).any()


def test_the_gap_is_the_divergence_from_the_true_posterior() -> None:
    """Log p(x) − ELBO = KL(q ‖ p(z|x)), the latter by quadrature in one dimension."""
    weights, bias, x = planted()
    weights = weights[:, :1]
    model = _TrueDecoder(weights, bias, 0.3)
    grid = torch.linspace(-9, 9, 4_001, dtype=torch.float64)
    spacing = (grid[1] - grid[0]).item()
    prior = torch.distributions.Normal(0, 1).log_prob(grid)
    joint = torch.stack(
        [
            Multinomial(grid[:, None] @ weights.T + bias).log_prob(_repeat(x, user, len(grid)))
            + prior
            for user in range(5)
        ]
    )
    exact = torch.logsumexp(joint, 1) + np.log(spacing)
    q = torch.distributions.Normal(0.3, 1.0).log_prob(grid)
    divergence = (torch.exp(q) * (q - (joint - exact[:, None]))).sum(1) * spacing
    first = x[torch.arange(5)]
    bound = elbo(model, first, torch_stream("gap"), samples=10_000)["elbo"]
    torch.testing.assert_close(exact - bound, divergence, rtol=0.03, atol=0.05)


def _repeat(x: SparseRows, user: int, times: int) -> SparseRows:
    return x[torch.full((times,), user)]
