"""Models that break one promise each, and the sentence that says which."""

from typing import ClassVar

import pytest
import torch
from torch import Tensor, nn

from vaebench.contracts import ContractBroken, check_model
from vaebench.distributions import DiagonalGaussian, Distribution
from vaebench.likelihoods import Bernoulli, Gaussian, Likelihood, OptimalGaussian
from vaebench.models import VAE
from vaebench.models.image_mlp import ImageMLP
from vaebench.models.mult_vae import MultVAE
from vaebench.models.pixels import Pixels
from vaebench.sparse import Batch, SparseRows


class Small(ImageMLP):
    """A model that keeps every promise; each that follows breaks one."""

    def __init__(self, features: int, *, likelihood: Pixels = Pixels()) -> None:  # noqa: B008
        super().__init__(features, hidden=[5], latents=3, likelihood=likelihood)


class Users(MultVAE):
    def __init__(self, features: int) -> None:
        super().__init__(features, hidden=5, latents=3)


def test_good_ones_pass() -> None:
    check_model(Small)
    check_model(Small, likelihood=Pixels(family="gaussian"))
    check_model(Users)


class PositionalModel(Small):
    def __init__(self, features: int, likelihood: Pixels = Pixels()) -> None:  # noqa: B008
        super().__init__(features, likelihood=likelihood)


class OfNothing(Small):
    data_kind = "songs"  # type: ignore[assignment]


class Disordered(Small):
    update_order: ClassVar = {"encoder_passes": 3}


class GlobalWeights(Small):
    def initialise(self, noise: torch.Generator) -> None:
        super().initialise(noise)
        with torch.no_grad():
            self.encoder[0].weight.normal_()


class HalfInitialised(Small):
    def initialise(self, noise: torch.Generator) -> None:
        nn.init.normal_(self.encoder[0].weight, generator=noise)


class RememberedWeights(Small):
    """The second model of a process starts elsewhere."""

    made = 0.0

    def initialise(self, noise: torch.Generator) -> None:
        super().initialise(noise)
        type(self).made += 1
        with torch.no_grad():
            self.encoder[0].bias.add_(self.made)


class Unseeded(Small):
    def initialise(self, noise: torch.Generator) -> None:
        super().initialise(noise)
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.fill_(0.1)


class Double(Small):
    def __init__(self, features: int) -> None:
        super().__init__(features)
        self.double()


class GlobalDropout(Small):
    def encode(self, x: Tensor, noise: torch.Generator | None = None) -> DiagonalGaussian:  # type: ignore[override]
        torch.rand(1)
        return super().encode(x, noise)


class DrawingInEvaluation(Small):
    def encode(self, x: Tensor, noise: torch.Generator | None = None) -> DiagonalGaussian:  # type: ignore[override]
        if noise is not None:
            torch.rand(1, generator=noise)
        return super().encode(x, noise)


class Counting(Small):
    """A code that depends on how often it was asked for: the state is no buffer."""

    calls = 0

    def encode(self, x: Tensor, noise: torch.Generator | None = None) -> DiagonalGaussian:  # type: ignore[override]
        q = super().encode(x, noise)
        self.calls += 1
        return DiagonalGaussian(q.mean * self.calls, q.log_variance)


class MixingRows(Small):
    def encode(self, x: Tensor, noise: torch.Generator | None = None) -> DiagonalGaussian:  # type: ignore[override]
        return super().encode(x - x.mean(0), noise)


class Misshapen(Small):
    def rate(self, x: Batch, posterior: Distribution, z: Tensor) -> Tensor:
        return super().rate(x, posterior, z).sum(1)


class SumOfAll(Bernoulli):
    def log_prob(self, x: Tensor) -> Tensor:
        return super().log_prob(x).sum()


class Total(Small):
    def decode(self, z: Tensor) -> Likelihood:
        return SumOfAll(super().decode(z).logits)


class Writing(OptimalGaussian):
    def log_prob(self, x: Tensor) -> Tensor:
        found = super().log_prob(x)
        self.follow(x)
        return found


class WritingWhenAsked(Small):
    """As the likelihood of a picture was until it followed by a call of its own."""

    def __init__(self, features: int) -> None:
        super().__init__(features, likelihood=Pixels(family="gaussian"))

    def decode(self, z: Tensor) -> Likelihood:
        found = super().decode(z)
        assert isinstance(found, OptimalGaussian)
        return Writing(found.logits, found.running, found.floor, found.adapt)


class Infinite(Small):
    def decode(self, z: Tensor) -> Likelihood:
        logits = super().decode(z).logits
        return Gaussian(logits, torch.tensor(-torch.inf))


class NegativeRate(Small):
    def rate(self, x: Batch, posterior: Distribution, z: Tensor) -> Tensor:
        return super().rate(x, posterior, z) - 1


class HalfRate(Small):
    def rate(self, x: Batch, posterior: Distribution, z: Tensor) -> Tensor:
        return super().rate(x, posterior, z) / 2


class OtherPrior(Small):
    """The rate is that to N(0, I), the prior another."""

    def prior(self) -> DiagonalGaussian:
        return DiagonalGaussian(torch.ones(3), torch.ones(3))

    def rate(self, x: Batch, posterior: Distribution, z: Tensor) -> Tensor:  # noqa: ARG002
        return posterior.rate(super().prior())


class RateOfNone(Small):
    has_rate: ClassVar[bool] = False


class Idle(Small):
    def __init__(self, features: int) -> None:
        super().__init__(features)
        self.unused = nn.Parameter(torch.zeros(2))


class Forgetful(Small):
    """What training changes is an attribute, which no checkpoint keeps."""

    seen = 0.0

    def encode(self, x: Tensor, noise: torch.Generator | None = None) -> DiagonalGaussian:  # type: ignore[override]
        q = super().encode(x, noise)
        return DiagonalGaussian(q.mean + self.seen, q.log_variance)

    def rate(self, x: Batch, posterior: Distribution, z: Tensor) -> Tensor:
        if torch.is_grad_enabled() and posterior.mean.requires_grad and self.training:
            self.seen = float(x.sum()) if isinstance(x, Tensor) else 0.0
        return super().rate(x, posterior, z)


class EvaluationDropout(Users):
    def encode(self, x: SparseRows, noise: torch.Generator | None = None) -> DiagonalGaussian:  # type: ignore[override]
        with torch.random.fork_rng():
            self.encoder["input"].train()
            return super().encode(x, noise or torch.Generator().manual_seed(1))


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        (PositionalModel, "keyword-only"),
        (OfNothing, "data_kind is 'songs'"),
        (Disordered, "update_order is"),
        (GlobalWeights, "initialise draws from a global random stream"),
        (HalfInitialised, "initialise leaves 'encoder.0.bias'"),
        (RememberedWeights, "a seed gives two 'encoder.0.bias'"),
        (Unseeded, "two seeds give the same weights"),
        (Double, "float64"),
        (GlobalDropout, "a global random stream"),
        (DrawingInEvaluation, "draws in evaluation mode"),
        (EvaluationDropout, "draws in evaluation mode"),
        (Counting, "one noise gives two codes"),
        (MixingRows, "depends on the others of its batch"),
        (Misshapen, "the rate is"),
        (Total, "log_prob is"),
        (WritingWhenAsked, "writes 'decoder.3.running'"),
        (Infinite, "log_prob is not finite"),
        (NegativeRate, "a rate is -"),
        (HalfRate, "not KL"),
        (OtherPrior, "not KL"),
        (RateOfNone, "has_rate is False"),
        (Idle, "'unused' does not learn"),
        (Forgetful, "saving and loading changes"),
    ],
)
def test_a_broken_model_is_named(broken: type[VAE], sentence: str) -> None:
    with pytest.raises(ContractBroken, match=rf"^{broken.__name__}: .*{sentence}.*allowed"):
        check_model(broken)
