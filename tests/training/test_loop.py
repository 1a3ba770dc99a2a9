"""The loop: against a plain transcription of the algorithm, and against a case solved exactly."""

import numpy as np
import pytest
import scipy.sparse
import torch

from tests.learning import train
from tests.linear_gaussian import linear_model, observations
from vaebench.errors import Diverged
from vaebench.metrics.bound import elbo
from vaebench.models import VAE
from vaebench.models.mult_vae import MultVAE
from vaebench.seeds import torch_stream
from vaebench.sparse import SparseRows
from vaebench.strategies import Strategy
from vaebench.strategies.constant import Constant
from vaebench.strategies.cyclical import Cyclical
from vaebench.strategies.linear import Linear
from vaebench.strategies.user_scaled import UserScaled


def users() -> SparseRows:
    matrix = scipy.sparse.random(50, 30, density=0.2, format="csr", random_state=1)
    matrix.data[:] = 1
    return SparseRows.from_scipy(matrix)


def trained(
    strategy: Strategy, *, epochs: int = 3, rate: float = 1e-3
) -> tuple[VAE, list[dict[str, float]], dict[str, float]]:
    model = MultVAE(30, hidden=8, latents=4)
    model.initialise(torch_stream("weights"))
    trace: list[dict[str, float]] = []
    start = train(
        model,
        strategy,
        torch.optim.Adam(model.parameters(), rate, fused=True),
        users(),
        epochs=epochs,
        batch_size=20,
        order=torch_stream("order"),
        noise=torch_stream("noise"),
        after_epoch=trace.append,
    )
    return model, trace, start


def test_training_is_the_textbook_loop_on_dense_input() -> None:
    """The same updates written out with dense matrices, torch's own KL, and β by hand."""
    ours, trace, _ = trained(Linear(cap=0.2, updates_per_unit=20), epochs=2)

    model = MultVAE(30, hidden=8, latents=4)
    model.initialise(torch_stream("weights"))
    order, noise, x_all = torch_stream("order"), torch_stream("noise"), users().dense()
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    t, distortions, rates, betas = 0, [], [], []
    for _ in range(2):
        for chosen in torch.randperm(50, generator=order).split(20):
            x = x_all[chosen]
            stored = x > 0
            keep = torch.zeros_like(x)
            keep[stored] = (torch.empty(int(stored.sum())).uniform_(generator=noise) >= 0.5).float()
            inputs = torch.nn.functional.normalize(x, dim=1) * keep / 0.5
            hidden = torch.tanh(
                inputs @ model.encoder["input"].weight + model.encoder["input"].bias
            )
            mean, log_variance = model.encoder["hidden"](hidden).chunk(2, 1)
            deviation = torch.exp(log_variance / 2)
            z = mean + deviation * torch.empty_like(mean).normal_(generator=noise)
            distortion = -(x * torch.log_softmax(model.decoder(z), 1)).sum(1)
            kl = torch.distributions.kl_divergence(
                torch.distributions.Normal(mean, deviation), torch.distributions.Normal(0, 1)
            ).sum(1)
            beta = min(0.2, t / 20)
            loss = (distortion + beta * kl).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            t += 1
            distortions += distortion.tolist()
            rates += kl.tolist()
            betas += [beta] * len(x)
    for a, b in zip(ours.parameters(), model.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-6)
    assert trace[1]["distortion"] == pytest.approx(np.mean(distortions[50:]), rel=1e-5)
    assert trace[1]["rate"] == pytest.approx(np.mean(rates[50:]), rel=1e-4)
    assert trace[1]["beta"] == pytest.approx(np.mean(betas[50:]), rel=1e-6)
    assert trace[1]["updates"] == 6


def test_strategies_of_a_seed_start_alike() -> None:
    starts = [trained(s, epochs=1)[2] for s in (Constant(), Cyclical(cycles=1), UserScaled())]
    assert starts[0] == starts[1] == starts[2]
    assert set(starts[0]) == {"distortion", "rate"}


def test_the_same_training_twice_gives_the_same_bits() -> None:
    one, trace, _ = trained(UserScaled())
    torch.rand(10)  # ambient randomness must not matter
    two, again, _ = trained(UserScaled())
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))
    timeless = [[row | {"seconds": 0} for row in rows] for rows in (trace, again)]
    assert timeless[0] == timeless[1]


def test_beta_quantiles_are_those_of_the_users() -> None:
    _, trace, _ = trained(UserScaled(gamma=0.1), epochs=1)
    sizes = np.sort(users().counts.numpy()) * 0.1
    assert trace[0]["beta"] == pytest.approx(sizes.mean(), rel=1e-5)
    assert trace[0]["beta_min"] == pytest.approx(sizes[0])
    assert trace[0]["beta_max"] == pytest.approx(sizes[-1])
    assert trace[0]["beta_q50"] == pytest.approx(np.median(sizes), abs=0.1)


def test_divergence_is_said_with_its_epoch() -> None:
    with pytest.raises(Diverged, match=r"epoch 1 .*allowed: finite numbers"):
        trained(Constant(), rate=1e30)


def test_the_bound_lies_below_the_exact_likelihood_and_meets_it_at_the_optimum() -> None:
    """Lucas et al. 2019: at the optimum of a linear VAE the ELBO is the marginal likelihood."""
    x, model = observations(), linear_model()

    def gap() -> tuple[float, float]:
        bound = elbo(model, x, torch_stream("bound"), samples=200)["elbo"].numpy()
        difference = model.exact(x) - bound
        return difference.mean(), difference.std() / len(x) ** 0.5

    before, error = gap()
    assert before > 10 * error, "an untrained posterior must leave a gap, or the test is blind"
    train(
        model,
        Constant(beta=1.0),
        torch.optim.Adam(model.parameters(), 1e-2),
        x,
        epochs=150,
        batch_size=100,
        order=torch_stream("order"),
        noise=torch_stream("noise"),
        after_epoch=lambda _: None,
    )
    after, error = gap()
    assert after > -4 * error, "no bound may lie above the exact likelihood"
    assert after < 0.05, "at the optimum the bound is tight (nats per example)"
