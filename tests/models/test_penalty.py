"""What β weighs apart from what the bound counts: losses, traces, metrics and refusals."""

import math
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor

from tests.linear_gaussian import LinearGaussian, observations
from vaebench.contracts import ContractBroken, check_model
from vaebench.distributions import Distribution
from vaebench.errors import ConfigError
from vaebench.metrics.bound import elbo
from vaebench.models import VAE
from vaebench.models.image_mlp import ImageMLP
from vaebench.models.mult_dae import MultDAE
from vaebench.seeds import torch_stream
from vaebench.sparse import Batch
from vaebench.strategies import Stats, Strategy, Target
from vaebench.strategies.capacity import Capacity
from vaebench.strategies.constant import Constant
from vaebench.strategies.example_floor import ExampleFloor
from vaebench.strategies.example_free_bits import ExampleFreeBits
from vaebench.strategies.free_bits import FreeBits
from vaebench.strategies.geco import GECO
from vaebench.strategies.linear import Linear
from vaebench.strategies.pid import PID
from vaebench.strategies.soft_free_bits import SoftFreeBits
from vaebench.training.estimators import Estimator, Kind
from vaebench.training.loop import Budget, Learner, Streams, train
from vaebench.training.weighing import check_weighs


class Squared(LinearGaussian):
    """β weighs 3 ‖z‖²/2 and the last latent's square; a term of ‖μ‖² is weighed by nothing."""

    weighs: ClassVar[str] = "squares"

    def penalty(self, x: Batch, posterior: Distribution, z: Tensor) -> Tensor:  # noqa: ARG002
        """Two columns, (B, 2)."""
        return torch.stack([1.5 * (z**2).sum(1), z[:, -1] ** 2], 1)

    def extra(self, x: Batch, posterior: Distribution, z: Tensor) -> Tensor:  # noqa: ARG002
        """‖μ‖², (B,)."""
        return (posterior.mean**2).sum(1)


def made(model_class: type[LinearGaussian]) -> LinearGaussian:
    model = model_class(6)
    model.initialise(torch_stream("linear"))
    return model


@pytest.mark.parametrize("kind", ["sgvb_a", "sgvb_b"])
def test_the_loss_weighs_the_penalty_and_adds_the_extra_term(kind: Kind) -> None:
    """By hand, from the same draws of z; the strategy sees the penalty, the log the rate too."""
    model, x, beta = made(Squared), observations()[:20], torch.tensor([0.3, 2.0])
    terms = Estimator(kind, 2).draw(model, x, torch_stream("z"))
    noise, q = torch_stream("z"), model.encode(x)
    draws = [q.rsample(noise) for _ in range(2)]
    distortion = sum(-model.decode(z).log_prob(x) for z in draws) / 2
    one = sum(1.5 * (z**2).sum(1) for z in draws) / 2
    two = sum(z[:, 1] ** 2 for z in draws) / 2
    expected = distortion + 0.3 * one + 2 * two + (q.mean**2).sum(1)
    torch.testing.assert_close(Estimator(kind, 2).loss(terms, beta), expected)
    torch.testing.assert_close(terms.penalty, torch.stack([one, two], 1))
    plain = Estimator(kind, 2).draw(made(LinearGaussian), x, torch_stream("z"))
    torch.testing.assert_close(terms.rate, plain.rate)


class Watching(Constant):
    """A constant that keeps what it was shown."""

    def forward(self, stats: Stats) -> Tensor:
        self.seen = stats.rate
        return super().forward(stats)


def trained(model: VAE, strategy: Strategy, **more: Any) -> dict[str, float]:
    rows: list[dict[str, float]] = []

    def keep(row: dict[str, float]) -> None:
        rows.append(row)

    optimizer = torch.optim.SGD(model.parameters(), 0.0)
    learner = Learner(model, strategy, optimizer, **more)
    streams = Streams(torch_stream("batches"), torch_stream("noise"))
    train(learner, observations()[:20], Budget(1, 20), streams, keep)
    return rows[0]


def test_the_trace_has_the_rate_and_the_penalty_apart() -> None:
    strategy = Watching(beta=0.5)
    own, plain = trained(made(Squared), strategy), trained(made(LinearGaussian), Constant())
    assert "penalty" not in plain
    assert own["rate"] == plain["rate"]
    assert own["elbo"] == -(own["distortion"] + own["rate"])
    assert strategy.seen.shape == (20, 2)
    assert own["penalty"] == pytest.approx(strategy.seen.sum(1).mean().item())
    assert own["penalty"] != pytest.approx(own["rate"])


class Unbounded(Squared):
    """The same, where nothing is a bound."""

    has_bound: ClassVar[bool] = False


def test_without_a_bound_the_trace_has_no_elbo() -> None:
    row = trained(made(Unbounded), Constant())
    assert "elbo" not in row
    assert math.isfinite(row["rate"])


def test_the_bound_counts_the_rate_all_the_same() -> None:
    x = observations()[:20]
    own, plain = (elbo(made(m), x, torch_stream("z"), samples=3) for m in (Squared, LinearGaussian))
    for name in ("distortion", "rate", "elbo"):
        assert torch.equal(own[name], plain[name]), name


class OwnAim(Constant):
    """A strategy of a user that drives the rate to a target, and does not say in_nats."""

    def aim(self) -> Target:
        return Target("rate", 5.0)


IN_NATS = (FreeBits, ExampleFloor, ExampleFreeBits, SoftFreeBits, Capacity, PID, OwnAim)


@pytest.mark.parametrize("strategy", IN_NATS)
def test_a_strategy_in_nats_of_rate_is_refused_by_name(strategy: type[Strategy]) -> None:
    with pytest.raises(ConfigError, match=rf"'{strategy.__name__}' goes by nats.*squares.*allowed"):
        trained(made(Squared), strategy())
    check_weighs(strategy(), made(LinearGaussian))


def test_what_weighs_any_unit_is_taken() -> None:
    for strategy in (Constant(), Linear(cap=2.0), GECO(target=3.0)):
        check_weighs(strategy, made(Squared))
    with pytest.raises(ConfigError, match="'Linear' weighs the rate, and 'MultDAE' has none"):
        check_weighs(Linear(), MultDAE(5, latents=2))


def test_importance_weights_are_of_distortion_and_rate_alone() -> None:
    with pytest.raises(ConfigError, match=r"'importance' weighs.*Squared.*allowed: sgvb_a, sgvb_b"):
        trained(made(Squared), Constant(), estimator=Estimator("importance", 3))


class Small(ImageMLP):
    def __init__(self, features: int) -> None:
        super().__init__(features, hidden=[5], latents=3)


class Nameless(Small):
    def penalty(self, x: Batch, posterior: Distribution, z: Tensor) -> Tensor:  # noqa: ARG002
        return z**2


class NamedForNothing(Small):
    weighs: ClassVar[str] = "squares"


class Flat(Nameless):
    weighs: ClassVar[str] = "squares"

    def penalty(self, x: Batch, posterior: Distribution, z: Tensor) -> Tensor:
        return super().penalty(x, posterior, z).sum(1)


class ScalarExtra(Small):
    def extra(self, x: Batch, posterior: Distribution, z: Tensor) -> Tensor:  # noqa: ARG002
        return z.sum()


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        (Nameless, "weighs is 'rate'"),
        (NamedForNothing, "weighs is 'squares'"),
        (Flat, "the penalty is"),
        (ScalarExtra, "the extra term is"),
    ],
)
def test_a_broken_penalty_is_named(broken: type[VAE], sentence: str) -> None:
    with pytest.raises(ContractBroken, match=rf"^{broken.__name__}: .*{sentence}.*allowed"):
        check_model(broken)
