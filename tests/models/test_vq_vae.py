"""VQ-VAE: k-means, independent pixels, gradients by hand, and the bound with all codes counted."""

import itertools
import math

import numpy as np
import pytest
import torch
from sklearn.cluster import KMeans
from torch import Tensor

from vaebench.contracts import check_model
from vaebench.errors import ConfigError
from vaebench.metrics.annealed import annealed
from vaebench.metrics.bound import elbo
from vaebench.metrics.importance import importance
from vaebench.metrics.latents import mutual_information
from vaebench.models.pixels import Pixels
from vaebench.models.vq_vae import VQVAE, nearest
from vaebench.seeds import torch_stream
from vaebench.strategies.free_bits import FreeBits
from vaebench.strategies.linear import Linear
from vaebench.training.estimators import Estimator
from vaebench.training.weighing import check_weighs

UNIT = Pixels(family="gaussian", mean="identity", variance="fixed")


def hills(count: int) -> Tensor:
    """Pictures around three centres, (300, 6)."""
    noise = torch_stream("hills")
    centres = 6 * torch.empty(count, 6).normal_(generator=noise)
    return centres[torch.arange(300) % count] + torch.empty(300, 6).normal_(generator=noise)


def trained(model: VQVAE, x: Tensor, steps: int, rate: float) -> VQVAE:
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], rate)
    for step in range(steps):
        terms = Estimator().draw(model, x, torch_stream("none"))
        optimizer.zero_grad()
        Estimator().loss(terms, torch.tensor(0.25)).mean().backward()
        optimizer.param_groups[0]["lr"] = rate * (1 - step / steps)
        optimizer.step()
    return model.eval()


def in_a_plane(x: Tensor) -> VQVAE:
    """The encoder projects to the two principal components; codewords start at three pictures."""
    model = VQVAE(6, hidden=[], positions=1, codes=3, width=2, likelihood=UNIT)
    centre = x.mean(0)
    plane = torch.linalg.eigh((x - centre).T @ (x - centre)).eigenvectors[:, -2:]
    encoder, decoder = model.encoder[0], model.decoder.network[0]  # type: ignore[index]
    with torch.no_grad():
        encoder.weight.copy_(plane.T)
        encoder.bias.copy_(-centre @ plane)
        decoder.weight.copy_(plane)
        decoder.bias.copy_(centre)
        model.book.copy_(encoder(x[:3]))
    return model


def test_one_position_and_a_linear_decoder_are_k_means() -> None:
    """Three codewords in a plane can be any three pictures; scikit-learn moves none of them."""
    x = hills(3)
    model = in_a_plane(x)
    model.encoder.requires_grad_(requires_grad=False)
    trained(model, x, 300, 0.03)
    with torch.no_grad():
        centres = model.decode(model.book).logits
        chosen = nearest(model.encode(x).encoded, model.book)[:, 0]  # type: ignore[attr-defined]
    theirs = KMeans(3, init=centres.numpy(), n_init=1).fit(x.numpy())
    assert (theirs.labels_ == chosen.numpy()).all()
    assert len(chosen.unique()) == 3
    np.testing.assert_allclose(centres, theirs.cluster_centers_, atol=0.02)
    means = torch.stack([model.encoder(x[chosen == k]).mean(0) for k in range(3)])
    torch.testing.assert_close(model.book, means, atol=0.02, rtol=0)
    distortion = elbo(model, x, torch_stream("none"))["distortion"].sum().item()
    constant = 300 * 3 * math.log(2 * math.pi)
    assert distortion == pytest.approx(theirs.inertia_ / 2 + constant, rel=1e-4)


def test_one_codeword_is_independent_pixels() -> None:
    x = (hills(2) > 0.5).float()
    model = VQVAE(6, hidden=[], positions=2, codes=1, width=2)
    model.initialise(torch_stream("vq"))
    trained(model, x, 300, 0.1)
    shares = x.double().mean(0)
    entropy = -(shares * shares.log() + (1 - shares) * (1 - shares).log()).sum().item()
    found = elbo(model, x, torch_stream("none"))
    assert found["rate"].abs().max() == 0
    assert -found["elbo"].mean().item() == pytest.approx(entropy, abs=1e-3)


def small() -> VQVAE:
    model = VQVAE(6, hidden=[5], positions=2, codes=4, width=3)
    model.initialise(torch_stream("vq"))
    return model


def test_gradients_by_hand() -> None:
    """Straight through to the encoder; the codewords by their own term alone, β on the other."""
    model, x = small(), (hills(3)[:40] > 0).float()
    terms = Estimator().draw(model, x, torch_stream("none"))
    Estimator().loss(terms, torch.tensor(0.7)).sum().backward()

    encoded = model.encoder(x)
    book = model.book.detach()
    gaps = ((encoded.detach().view(40, 2, 1, 3) - book) ** 2).sum(3)
    chosen = gaps.argmin(2)
    codes = book[chosen].flatten(1).requires_grad_()
    distortion = -model.decode(codes).log_prob(x)
    (slope,) = torch.autograd.grad(distortion.sum(), codes)
    wanted = slope + 2 * 0.7 * (encoded - codes).detach()
    expected = torch.autograd.grad(encoded, list(model.encoder.parameters()), wanted)
    for parameter, gradient in zip(model.encoder.parameters(), expected, strict=True):
        torch.testing.assert_close(parameter.grad, gradient)
    moved = torch.zeros(4, 3)
    for row, place in itertools.product(range(40), range(2)):
        own = encoded.detach().view(40, 2, 3)[row, place]
        moved[chosen[row, place]] += 2 * (book[chosen[row, place]] - own)
    torch.testing.assert_close(model.book.grad, moved)
    torch.testing.assert_close(terms.distortion, distortion, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(terms.penalty, gaps.amin(2))


@torch.no_grad()
def test_the_bound_is_below_the_likelihood_of_all_codes() -> None:
    model, x = small(), (hills(3)[:30] > 0).float()
    pairs = torch.tensor(list(itertools.product(range(4), repeat=2)))
    fits = torch.stack(
        [model.decode(model.book[pair].flatten()[None]).log_prob(x) for pair in pairs]
    )
    exact = torch.logsumexp(fits.double(), 0) - 2 * math.log(4)
    found = elbo(model, x, torch_stream("none"))
    torch.testing.assert_close(found["rate"], torch.full_like(exact, 2 * math.log(4)))
    assert (found["elbo"] < exact).all()
    assert (fits.amax(0) >= -found["distortion"] - 1e-4).all()
    many = importance(model, x, torch_stream("none"), samples=30)
    torch.testing.assert_close(many["log_likelihood"], found["elbo"])
    assert (many["pareto_k"] == 0).all()


@torch.no_grad()
def test_the_information_is_the_entropy_of_the_codes() -> None:
    model, x = small(), (hills(3) > 0).float()
    both = nearest(model.encoder(x), model.book) @ torch.tensor([4, 1])
    shares = both.bincount().double() / len(x)
    entropy = -(shares * shares.clamp_min(1e-12).log()).sum().item()
    found = mutual_information(model, x, torch_stream("none"))
    assert found["mutual_information"] == pytest.approx(entropy, abs=1e-5)


@torch.no_grad()
def test_draws_of_the_prior_are_codewords_alike() -> None:
    model = small()
    z = model.prior().sample(torch_stream("prior"), 4_000)
    counts = nearest(z, model.book).flatten().bincount(minlength=4)
    assert (counts - 2_000).abs().max() < 200
    torch.testing.assert_close(model.book[nearest(z, model.book)].flatten(1), z)


def test_what_is_refused() -> None:
    model = small()
    check_model(VQVAE, positions=3, codes=5, width=2)
    check_weighs(Linear(cap=0.25), model)
    with pytest.raises(ConfigError, match="β weighs the commitment"):
        check_weighs(FreeBits(), model)
    with pytest.raises(ConfigError, match="that of VQVAE is discrete; allowed"):
        annealed(model, torch.ones(2, 6), torch_stream("a"))
