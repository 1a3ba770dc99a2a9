"""A model that is told β: near the closed form at every β, and at the start the plain model."""

import math

import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix
from torch import Tensor

from vaebench.errors import ConfigError
from vaebench.metrics.bound import elbo
from vaebench.models import VAE
from vaebench.models.dial import HIGHEST, LOWEST, Dialled, hats
from vaebench.models.gated_image_mlp import GatedImageMLP
from vaebench.models.gated_mult_vae import GatedMultVAE
from vaebench.models.image_mlp import ImageMLP
from vaebench.models.mult_vae import MultVAE
from vaebench.models.pixels import Pixels
from vaebench.seeds import torch_stream
from vaebench.sparse import Batch, SparseRows
from vaebench.statistics.dial import best_by_activity
from vaebench.strategies import Stats, Strategy
from vaebench.strategies.constant import Constant
from vaebench.strategies.log_uniform import LogUniform
from vaebench.training.adam import Adam
from vaebench.training.estimators import Estimator
from vaebench.training.loop import Budget, Learner, Streams, train
from vaebench.training.orders.alternating import Alternating

GAUSSIAN = Pixels(family="gaussian", mean="identity", variance="fixed")


def users(count: int = 9, items: int = 30) -> SparseRows:
    random = np.random.default_rng(0)

    shares = np.linspace(0.1, 0.6, count)[:, None]
    return SparseRows.from_scipy(csr_matrix(random.random((count, items)) < shares))


def started(model: VAE) -> VAE:
    model.initialise(torch_stream("weights"))
    return model


@pytest.mark.parametrize(
    ("gated", "plain", "x"),
    [
        (GatedMultVAE(30, hidden=8, latents=3), MultVAE(30, hidden=8, latents=3), users()),
        (
            GatedImageMLP(30, hidden=[8, 5], latents=3),
            ImageMLP(30, hidden=[8, 5], latents=3),
            users().dense(),
        ),
    ],
    ids=["users", "pictures"],
)
def test_at_the_start_it_is_the_plain_model(gated: VAE, plain: VAE, x: Batch) -> None:
    """The same stream gives the same weights, and D and R of the first batch bit for bit."""
    assert isinstance(gated, Dialled)
    started(gated)
    started(plain)
    betas = torch.logspace(-2, 1, len(x))
    with gated.turned(betas):
        one = Estimator().draw(gated, x, torch_stream("noise"))
    two = Estimator().draw(plain, x, torch_stream("noise"))
    assert torch.equal(one.distortions, two.distortions)
    assert torch.equal(one.rates, two.rates)


def test_hats_interpolate_in_the_logarithm() -> None:
    """Any function that is linear in log₂ β between the knots is met exactly."""
    at = 2.0 ** torch.arange(LOWEST, HIGHEST + 1)
    assert torch.equal(hats(at), torch.eye(len(at)))
    values = torch.linspace(-3, 4, len(at)) ** 3
    beta = torch.tensor([0.011, 0.3, 1.5, 20.0])
    wanted = np.interp(np.log2(beta.numpy()), np.arange(LOWEST, HIGHEST + 1), values.numpy())
    np.testing.assert_allclose((hats(beta) @ values).numpy(), wanted, rtol=1e-5)
    ends = hats(torch.tensor([1e-9, 1e9]))
    assert torch.equal(ends, torch.eye(len(at))[[0, -1]])


class Told(LogUniform):
    """Keeps what it told, and what came back."""

    def __init__(self) -> None:
        super().__init__(low=0.05, high=4.0)
        self.seen: list[tuple[Tensor, Tensor]] = []

    def forward(self, stats: Stats) -> Tensor:
        assert stats.dial is not None
        beta = super().forward(stats)
        self.seen.append((stats.dial, beta))
        return beta


def trained(
    model: VAE, x: Batch, strategy: Strategy, epochs: int, size: int, rate: float = 0.01
) -> VAE:
    started(model)
    learner = Learner(model, strategy, Adam(model.parameters(), rate, fused=True))
    streams = Streams(torch_stream("batches"), torch_stream("noise"))

    def after(row: dict[str, float]) -> None:
        share = row["epoch"] / epochs
        for group in learner.optimizer.param_groups:
            group["initial_lr"] = rate * (1 + math.cos(math.pi * share)) / 2

    train(learner, x, Budget(epochs, size), streams, after)
    return model.eval()


def test_training_tells_each_example_its_beta_and_keeps_the_range() -> None:
    strategy, x = Told(), users(40)
    model = trained(GatedMultVAE(30, hidden=8, latents=3), x, strategy, 4, 16)
    assert isinstance(model, Dialled)
    told = torch.cat([dial for dial, _ in strategy.seen])
    assert all(torch.equal(dial[:, None], beta) for dial, beta in strategy.seen)
    assert [len(dial) for dial, _ in strategy.seen] == [16, 16, 8] * 4
    assert (model.low.item(), model.high.item()) == (told.min().item(), told.max().item())
    edges = torch.logspace(math.log10(0.05), math.log10(4), 17)
    for dial, _ in strategy.seen[::3]:  # one in each of 16 equal parts
        assert ((dial >= edges[:-1] * 0.999) & (dial <= edges[1:] * 1.001)).all()
    shares = torch.log(told / 0.05) / math.log(4 / 0.05)
    assert shares.mean().item() == pytest.approx(0.5, abs=0.01)


def test_the_decoder_pass_of_an_order_is_told_too() -> None:
    """It is in evaluation mode, where an untold model stands at ``at``."""
    strategy, x = Told(), users(20)
    model = started(GatedMultVAE(30, hidden=8, latents=3))
    order = Alternating(encoder_passes=1)
    learner = Learner(model, strategy, Adam(model.parameters(), 0.01, fused=True), order)
    streams = Streams(torch_stream("batches"), torch_stream("noise"))
    train(learner, x, Budget(1, 20), streams, lambda _: None)
    gates = model.decoder.gates[0].values
    assert (gates.abs().sum(1) > 0).sum() > 5, "more knots than the two around 1 learned"


@pytest.mark.parametrize("tilt", [0.0, 0.5, 1.0])
def test_weights_of_examples_have_mean_one(tilt: float) -> None:
    strategy = LogUniform(low=0.05, high=8.0, tilt=tilt)
    dial = strategy.dial(20_000, torch_stream("dial"))
    stats = Stats(torch.tensor(0), 1, torch.zeros(20_000), torch.zeros(20_000, 1), dial=dial)
    weights = strategy.example_weights(stats)
    assert weights.mean().item() == pytest.approx(1, rel=1e-3)
    weights = weights.expand(len(dial))
    ratio = weights / weights[0] * (dial / dial[0]) ** tilt
    torch.testing.assert_close(ratio, torch.ones(20_000), rtol=1e-3, atol=0)


def test_a_batch_may_share_its_beta() -> None:
    dial = LogUniform(per="batch").dial(6, torch_stream("dial"))
    assert dial.shape == (6,)
    assert dial.unique().numel() == 1


def test_a_dial_by_activity_follows_the_formula_within_the_trained_range() -> None:
    x = users()
    model = GatedMultVAE(30, hidden=8, latents=3, at=0.5, exponent=1.0, typical=8.0)
    model.low.fill_(0.4)
    model.high.fill_(0.9)
    wanted = (0.5 * x.counts / 8).clamp(0.4, 0.9)
    assert {0.4, 0.9} < {round(beta, 6) for beta in wanted.tolist()}
    torch.testing.assert_close(model.dial(x), wanted)
    torch.testing.assert_close(model.given(x), hats(wanted))


def test_a_model_that_is_not_told_is_refused() -> None:
    model = MultVAE(30, hidden=8, latents=3)
    with pytest.raises(ConfigError, match=r"'LogUniform' draws β anew .* 'MultVAE' is not told"):
        trained(model, users(), LogUniform(), 1, 9)


def test_a_plain_strategy_trains_it_as_the_plain_model() -> None:
    """A constant tells nothing: the gates at other β stay open, and no range is kept."""
    model = trained(GatedMultVAE(30, hidden=8, latents=3), users(), Constant(beta=0.2), 3, 9)
    values = model.decoder.gates[0].values
    assert values.abs().sum(1).nonzero().flatten().tolist() == [-LOWEST]  # β = 1
    assert isinstance(model, Dialled)
    assert not model.low <= model.high


VARIANCES = np.array([9.0, 4.0, 1.5, 0.5, 0.2, 0.05])
LATENTS = 4


def gaussian_pictures(count: int = 1_000) -> Tensor:
    """Whose covariance is exactly Q diag(VARIANCES) Qᵀ."""
    random = np.random.default_rng(0)
    x = random.normal(size=(count, len(VARIANCES)))
    x -= x.mean(0)
    x = x @ np.linalg.inv(np.linalg.cholesky(x.T @ x / count)).T
    turn = np.linalg.qr(random.normal(size=(len(VARIANCES),) * 2))[0]
    return torch.from_numpy(x * np.sqrt(VARIANCES) @ turn.T).float()


def least(beta: float) -> float:
    """Min D + βR of a linear model with unit noise, less the ½ F log 2π of its density, in nats.

    Per principal component of variance λ: β/2 · (1 + log(λ/β)) where λ > β, else λ/2: reverse
    water-filling, as of probabilistic PCA with the noise β (Tipping & Bishop 1999).
    """
    kept, rest = VARIANCES[:LATENTS], VARIANCES[LATENTS:]
    on = kept > beta
    each = np.where(on, beta / 2 * (1 + np.log(np.where(on, kept / beta, 1))), kept / 2)
    return float(each.sum() + rest.sum() / 2)


@pytest.fixture(scope="module")
def linear() -> tuple[Dialled, Tensor]:
    """One training of a linear model for all β in [.05, 8]."""
    x = gaussian_pictures()
    model = GatedImageMLP(len(VARIANCES), hidden=[], latents=LATENTS, likelihood=GAUSSIAN)
    trained(model, x, LogUniform(low=0.05, high=8.0, tilt=1.0), 100, 100, rate=0.05)
    return model, x


def parts(model: Dialled, x: Tensor, beta: float) -> dict[str, Tensor]:
    with model.turned(torch.tensor(beta)):
        return elbo(model, x, torch_stream("z"), samples=5)


def test_one_training_is_near_the_closed_form_at_every_beta(
    linear: tuple[Dialled, Tensor],
) -> None:
    """D + βR within 3 % at 20 β; benchmarks/linear_dial.py has it at full size."""
    model, x = linear
    constant = len(VARIANCES) / 2 * math.log(2 * math.pi)
    for beta in np.geomspace(0.05, 8, 20):
        found = {name: values.mean().item() for name, values in parts(model, x, beta).items()}
        objective = found["distortion"] - constant + beta * found["rate"]
        assert -0.01 < objective / least(beta) - 1 < 0.03, beta


def test_the_best_elbo_of_one_training_is_at_one(linear: tuple[Dialled, Tensor]) -> None:
    """The ELBO is the loss at β = 1, so the mark 1 is the best for everybody."""
    model, x = linear
    betas = np.geomspace(0.1, 8, 14)
    values = np.stack([parts(model, x, beta)["elbo"].numpy() for beta in betas])
    sizes = np.arange(len(x)) % 90
    table = best_by_activity(values, list(betas), sizes, groups=3, resamples=200)
    assert table["users"].sum() == len(x)
    assert table["beta"].between(0.75, 1.33).all(), table
    assert (table["low"] <= table["beta"]).all()
    assert (table["beta"] <= table["high"]).all()


def test_metrics_are_of_the_dial(linear: tuple[Dialled, Tensor]) -> None:
    """A smaller β has a smaller distortion and a higher rate."""
    model, x = linear
    low, high = (parts(model, x, beta) for beta in (0.1, 4.0))
    assert low["distortion"].mean() < high["distortion"].mean()
    assert low["rate"].mean() > high["rate"].mean() + 1
