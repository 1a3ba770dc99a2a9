"""The critic at its optimum measures a divergence of two known Gaussians; the codes follow it."""

import math

import numpy as np
import pytest
import scipy.integrate
import scipy.stats
import torch

from tests.linear_gaussian import observations
from vaebench.contracts import ContractBroken, check_model
from vaebench.errors import ConfigError
from vaebench.models.adversarial_autoencoder import AdversarialAutoencoder
from vaebench.models.pixels import Pixels
from vaebench.seeds import torch_stream
from vaebench.strategies.capacity import Capacity
from vaebench.strategies.constant import Constant
from vaebench.training.loop import Budget, Learner, Streams, contest, train
from vaebench.training.orders.alternating import Alternating
from vaebench.training.weighing import check_weighs

UNIT = Pixels(family="gaussian", mean="identity", variance="fixed")
SHIFT, SPREAD = 1.0, 0.6


def made(latents: int = 2, critic: tuple[int, ...] = (16,)) -> AdversarialAutoencoder:
    options = {"hidden": [], "activation": "tanh", "critic": list(critic)}
    model = AdversarialAutoencoder(6, latents=latents, likelihood=UNIT, **options)  # type: ignore[arg-type]
    model.initialise(torch_stream("aae"))
    return model


def expected(of: str) -> float:
    """2 log 2 − 2 JS of p = N(0, 1) and q = N(SHIFT, SPREAD²); or E_q log (p + q)/p."""
    p, q = scipy.stats.norm(), scipy.stats.norm(SHIFT, SPREAD)

    def critic(z: float) -> float:
        one, two, both = p.pdf(z), q.pdf(z), p.pdf(z) + q.pdf(z)
        return one * np.log(both / one) + two * np.log(both / two)

    def verdict(z: float) -> float:
        return q.pdf(z) * np.log((p.pdf(z) + q.pdf(z)) / p.pdf(z))

    return float(scipy.integrate.quad({"critic": critic, "verdict": verdict}[of], -7, 7)[0])


def test_the_critic_finds_the_divergence_of_two_gaussians() -> None:
    """Codes of N(1, .6²), by an encoder of one weight, against the prior."""
    model, noise = made(latents=1), torch_stream("contest")
    with torch.no_grad():
        model.encoder[0].weight.zero_()[0, 0] = SPREAD
        model.encoder[0].bias.fill_(SHIFT)
    optimizer = torch.optim.Adam(model.parameters(), 0.02)
    for step in range(400):
        x = torch.empty(500, 6).normal_(generator=noise)
        optimizer.param_groups[0]["lr"] = 0.02 * (1 - step / 400)
        contest(model, x, optimizer, noise)
    x = torch.empty(100_000, 6).normal_(generator=noise)
    with torch.no_grad():
        assert model.contest(x, noise).mean().item() == pytest.approx(expected("critic"), abs=0.02)
        q = model.encode(x)
        found = model.penalty(x, q, q.mean).mean().item()
    assert found == pytest.approx(expected("verdict"), abs=0.03)
    assert expected("critic") < 2 * math.log(2) - 0.2
    assert model.encoder[0].weight.tolist()[0][0] == pytest.approx(SPREAD), "the encoder rests"


def test_a_critic_that_knows_nothing() -> None:
    model, x = made(), observations()[:30]
    with torch.no_grad():
        model.critic[2].weight.zero_()  # type: ignore[index]
        model.critic[2].bias.zero_()  # type: ignore[index]
        q = model.encode(x)
        assert model.penalty(x, q, q.mean).mean().item() == pytest.approx(math.log(2))
        assert model.contest(x, torch_stream("c")).mean().item() == pytest.approx(2 * math.log(2))


def learnt(beta: float) -> tuple[float, torch.Tensor]:
    """Distortion and second moments of the codes after training."""
    torch.set_num_threads(1)
    model, x = made(), observations()[:400]
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    rows: list[dict[str, float]] = []

    def keep(row: dict[str, float]) -> None:
        rows.append(row)

    streams = Streams(torch_stream("batches"), torch_stream("noise"))
    train(Learner(model, Constant(beta=beta), optimizer), x, Budget(100, 100), streams, keep)
    assert "elbo" not in rows[0]
    with torch.no_grad():
        codes = model.encode(x).mean
    return rows[-1]["distortion"], codes.T @ codes / len(codes)


def test_beta_draws_the_codes_to_the_prior() -> None:
    """A linear code of Gaussian pictures can be that of N(0, I), at little loss."""
    (free, far), (weighed, near) = learnt(0.0), learnt(4.0)
    assert (far - torch.eye(2)).abs().max() > 0.5
    assert (near - torch.eye(2)).abs().max() < 0.3
    assert weighed < free + 0.5


def test_an_update_is_the_critic_then_the_others() -> None:
    """By hand, with gradients of one part each; a decoder pass leaves the critic alone."""
    ours, x = made(), observations()[:20]
    sgd = torch.optim.SGD(ours.parameters(), 0.1)
    streams = Streams(torch_stream("batches"), torch_stream("noise"))
    train(Learner(ours, Constant(beta=2.0), sgd), x, Budget(1, 20), streams, lambda _: None)

    hand, noise = made(), torch_stream("noise")
    rows = x[torch.randperm(20, generator=torch_stream("batches"))]
    z = hand.encoder(rows)
    drawn = torch.empty(20, 2).normal_(generator=noise)
    odds = [torch.sigmoid(hand.critic(drawn)), torch.sigmoid(hand.critic(z.detach()))]
    loss = -(odds[0].log() + (1 - odds[1]).log()).mean()
    own = list(hand.critic.parameters())
    with torch.no_grad():
        for parameter, slope in zip(own, torch.autograd.grad(loss, own), strict=True):
            parameter.sub_(0.1 * slope)
    verdict = -torch.sigmoid(hand.critic(z)).log().mean()
    others = [*hand.encoder.parameters(), *hand.decoder.parameters()]
    slopes = torch.autograd.grad(2 * verdict - hand.decode(z).log_prob(rows).mean(), others)
    with torch.no_grad():
        for parameter, slope in zip(others, slopes, strict=True):
            parameter.sub_(0.1 * slope)
    for one, two in zip(ours.parameters(), hand.parameters(), strict=True):
        torch.testing.assert_close(one, two)


def test_other_update_orders_train_the_critic_with_the_encoder() -> None:
    model, seen = made(), []
    order = Alternating(encoder_passes=1, decoder_passes=2)

    class Counting(torch.optim.SGD):
        def step(self, closure: None = None) -> None:  # type: ignore[override]
            with_gradient = {
                n.split(".")[0] for n, p in model.named_parameters() if p.grad is not None
            }
            seen.append(sorted(with_gradient))
            super().step(closure)

    learner = Learner(model, Constant(), Counting(model.parameters(), 0.01), order)
    streams = Streams(torch_stream("batches"), torch_stream("noise"))
    train(learner, observations()[:20], Budget(1, 20), streams, lambda _: None)
    assert seen == [["critic"], ["encoder"], ["decoder"], ["decoder"]]


class Shapeless(AdversarialAutoencoder):
    def __init__(self, features: int) -> None:
        super().__init__(features, hidden=[4], latents=2)

    def contest(self, x: torch.Tensor, noise: torch.Generator) -> torch.Tensor:  # type: ignore[override]
        return super().contest(x, noise).mean()


def test_what_is_refused() -> None:
    check_model(AdversarialAutoencoder, hidden=[4], latents=2)
    with pytest.raises(ContractBroken, match="the critic's loss is"):
        check_model(Shapeless)
    with pytest.raises(ConfigError, match="β weighs the critic's verdict"):
        check_weighs(Capacity(), made())
