"""A prior and a posterior of another family than the Gaussian: all that looks at them follows."""

import itertools
import math
from dataclasses import dataclass

import numpy as np
import scipy.stats
import torch
from torch import Tensor

from tests.linear_gaussian import LinearGaussian, observations
from vaebench.contracts import check_model
from vaebench.distributions import DiagonalGaussian, Distribution
from vaebench.metrics.annealed import annealed
from vaebench.metrics.bound import elbo
from vaebench.metrics.importance import importance
from vaebench.metrics.latents import latents, mutual_information
from vaebench.models.image_mlp import ImageMLP
from vaebench.seeds import torch_stream

CENTRES, SPREAD = (-1.5, 2.0), 0.25


@dataclass(frozen=True)
class TwoHills:
    """Each latent by itself ½ N(−1.5, ¼) + ½ N(2, ¼)."""

    latents: int

    @property
    def mean(self) -> Tensor:
        return torch.full((self.latents,), sum(CENTRES) / 2)

    def sample(self, noise: torch.Generator, *shape: int) -> Tensor:
        which = torch.empty(*shape, self.latents).uniform_(generator=noise) < 0.5
        centre = torch.where(which, *CENTRES)
        return centre + SPREAD**0.5 * torch.empty_like(centre).normal_(generator=noise)

    def rsample(self, noise: torch.Generator) -> Tensor:
        return self.sample(noise)

    def log_prob(self, z: Tensor) -> Tensor:
        hills = [-0.5 * ((z - c) ** 2 / SPREAD + math.log(2 * math.pi * SPREAD)) for c in CENTRES]
        return torch.logsumexp(torch.stack(hills), 0) - math.log(2)


class HillyPrior(LinearGaussian):
    """x = W z + b + ε with such a prior: a mixture of 2^Z Gaussians, log p(x) exact."""

    def prior(self) -> Distribution:
        return TwoHills(self.latents)

    def exact(self, x: Tensor) -> np.ndarray:
        weights = self.decoder.weight.detach().double().numpy()
        bias = self.decoder.bias.detach().double().numpy()
        covariance = SPREAD * weights @ weights.T + np.eye(len(weights))
        hills = [
            scipy.stats.multivariate_normal(weights @ centre + bias, covariance).logpdf(x.numpy())
            for centre in itertools.product(CENTRES, repeat=self.latents)
        ]
        return scipy.special.logsumexp(hills, axis=0) - self.latents * math.log(2)


def hilly() -> HillyPrior:
    model = HillyPrior(6)
    model.initialise(torch_stream("hills"))
    with torch.no_grad():
        model.decoder.weight.mul_(5)
    return model.eval()


def test_bound_and_likelihood_under_a_mixture_prior() -> None:
    model, x = hilly(), observations()[:3]
    exact = torch.from_numpy(model.exact(x))
    many = importance(model, x, torch_stream("k"), samples=20_000)["log_likelihood"]
    torch.testing.assert_close(many, exact, atol=0.15, rtol=0)
    second = annealed(model, x, torch_stream("a"), temperatures=60, chains=60)
    torch.testing.assert_close(second["log_likelihood_ais"], exact, atol=0.4, rtol=0)
    bound = elbo(model, x, torch_stream("z"), samples=2_000)["elbo"]
    q, noise = model.encode(x), torch_stream("by hand")
    z = q.sample(noise, 20_000)
    ratio = (q.log_prob(z) - model.prior().log_prob(z)).sum(2)
    fit = torch.stack([model.decode(one).log_prob(x) for one in z])
    torch.testing.assert_close(bound, (fit - ratio).mean(0).double(), atol=0.5, rtol=0.02)
    assert (bound < exact).all()


class Wrapped:
    """The same Gaussian, of which nobody can see that it is one."""

    def __init__(self, hidden: DiagonalGaussian) -> None:
        self.mean = hidden.mean
        self.sample, self.rsample, self.log_prob = hidden.sample, hidden.rsample, hidden.log_prob


class Hidden(LinearGaussian):
    """A linear Gaussian VAE whose posterior is wrapped."""

    def encode(self, x: Tensor, noise: torch.Generator | None = None) -> Distribution:  # type: ignore[override]
        return Wrapped(super().encode(x, noise))


def test_a_gaussian_in_disguise_carries_the_same_information() -> None:
    plain, disguised, x = LinearGaussian(6), Hidden(6), observations()[:200]
    plain.initialise(torch_stream("linear"))
    disguised.load_state_dict(plain.state_dict())
    one, other = (mutual_information(m, x, torch_stream("mi")) for m in (plain, disguised))
    assert math.isclose(one["mutual_information"], other["mutual_information"], rel_tol=1e-5)
    found = [latents(m, observations(), torch_stream("z"))["rate"] for m in (plain, disguised)]
    torch.testing.assert_close(found[0], found[1], atol=0.1, rtol=0)
    assert not torch.equal(found[0], found[1]), "estimated, since nobody knows a closed form"


class HillyMLP(ImageMLP):
    """A model of pictures with a prior that is no Gaussian."""

    def __init__(self, features: int) -> None:
        super().__init__(features, hidden=[5], latents=3)

    def prior(self) -> Distribution:
        return TwoHills(3)


def test_such_a_model_keeps_the_contract() -> None:
    assert isinstance(TwoHills(2), Distribution)
    check_model(HillyMLP)
