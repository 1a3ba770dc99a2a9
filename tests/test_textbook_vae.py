"""Short form of docs/validation.md: binarised MNIST against a second implementation.

The second one is the textbook's, of plain matrices and torch's own distributions: network, loss,
loop and estimator of the likelihood share no line with the package.
"""

import math
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.distributions import Bernoulli, Normal, kl_divergence

from tests.learning import train
from vaebench.datasets.binarized_mnist import read_amat
from vaebench.metrics.importance import importance
from vaebench.models.image_mlp import ImageMLP
from vaebench.seeds import torch_stream
from vaebench.strategies.constant import Constant

HIDDEN, LATENTS, EPOCHS, BATCH, SAMPLES, SEEDS = 100, 10, 20, 50, 100, 3


@cache
def pictures(path: Path) -> tuple[Tensor, Tensor]:
    """3,000 pictures to train on and 1,000 others; the file as a whole is a split of 10,000."""
    x = torch.from_numpy(read_amat(path))
    return x[:3_000], x[9_000:]


@pytest.fixture
def data(raw_folder: Callable[[str], Path]) -> tuple[Tensor, Tensor]:
    return pictures(raw_folder("binarized-mnist/binarized_mnist_valid.amat"))


class Textbook(nn.Module):
    """784-100-10-100-784 with ReLU, as a first course writes it."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden = nn.Linear(784, HIDDEN)
        self.heads = nn.Linear(HIDDEN, 2 * LATENTS)
        self.back, self.pixels = nn.Linear(LATENTS, HIDDEN), nn.Linear(HIDDEN, 784)
        for layer in self.children():
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)

    def posterior(self, x: Tensor) -> Normal:
        mean, log_variance = self.heads(torch.relu(self.hidden(x))).chunk(2, 1)
        return Normal(mean, torch.exp(0.5 * log_variance))

    def likelihood(self, z: Tensor) -> Bernoulli:
        return Bernoulli(logits=self.pixels(torch.relu(self.back(z))))


PRIOR = Normal(0.0, 1.0)


def textbook(x: Tensor, seed: int) -> Textbook:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = Textbook()
        optimizer = torch.optim.Adam(model.parameters(), 2e-3)
        for _ in range(EPOCHS):
            for batch in x[torch.randperm(len(x))].split(BATCH):
                posterior = model.posterior(batch)
                fit = model.likelihood(posterior.rsample()).log_prob(batch).sum(1)
                bound = fit - kl_divergence(posterior, PRIOR).sum(1)
                optimizer.zero_grad()
                (-bound.mean()).backward()
                optimizer.step()
    return model


@torch.no_grad()
def textbook_likelihood(model: Textbook, x: Tensor) -> np.ndarray:
    """L_K of each picture."""
    posterior = model.posterior(x)
    z = posterior.sample((SAMPLES,))
    weights = model.likelihood(z).log_prob(x).sum(2)
    weights += (PRIOR.log_prob(z) - posterior.log_prob(z)).sum(2)
    return (torch.logsumexp(weights, 0) - math.log(SAMPLES)).numpy()


def ours(x: Tensor, seed: int) -> ImageMLP:
    model = ImageMLP(784, hidden=[HIDDEN], latents=LATENTS)
    model.initialise(torch_stream("weights", seed))
    train(
        model,
        Constant(beta=1.0),
        torch.optim.Adam(model.parameters(), 2e-3),
        x,
        epochs=EPOCHS,
        batch_size=BATCH,
        order=torch_stream("order", seed),
        noise=torch_stream("noise", seed),
        after_epoch=lambda _: None,
    )
    return model


def our_likelihood(model: ImageMLP, x: Tensor) -> np.ndarray:
    return importance(model, x, torch_stream("test"), samples=SAMPLES)["log_likelihood"].numpy()


def test_two_implementations_reach_the_same_optimum(data: tuple[Tensor, Tensor]) -> None:
    """Likelihood and rate, means of three seeds; a seed's likelihood differs by .2 to .6 nats."""
    x, test = data
    found: dict[str, list[tuple[float, float]]] = {"ours": [], "textbook": []}
    for seed in range(SEEDS):
        model = ours(x, seed)
        with torch.no_grad():
            rate = model.encode(test).rate(model.prior()).sum(1).mean().item()
        found["ours"].append((our_likelihood(model, test).mean(), rate))
        other = textbook(x, seed)
        with torch.no_grad():
            rate = kl_divergence(other.posterior(test), PRIOR).sum(1).mean().item()
        found["textbook"].append((textbook_likelihood(other, test).mean(), rate))
    a, b = (np.mean(values, 0) for values in found.values())
    np.testing.assert_allclose(a, b, atol=1.0, rtol=0)


def test_two_estimators_agree_on_the_same_weights(data: tuple[Tensor, Tensor]) -> None:
    x, test = data
    theirs = textbook(x[:1_000], seed=9)
    model = ImageMLP(784, hidden=[HIDDEN], latents=LATENTS)
    layers = [theirs.hidden, theirs.heads, theirs.back, theirs.pixels]
    places = ["encoder.0", "encoder.2", "decoder.0", "decoder.2"]
    for place, layer in zip(places, layers, strict=True):
        model.get_submodule(place).load_state_dict(layer.state_dict())
    difference = our_likelihood(model, test) - textbook_likelihood(theirs, test)
    error = difference.std() / len(test) ** 0.5
    assert abs(difference.mean()) < 4 * error + 1e-3
