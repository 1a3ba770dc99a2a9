"""What every model promises; a new file in vaebench/models is tested without an edit."""

import pytest
import scipy.sparse
import torch

import vaebench.models
from tests.variants import variants
from vaebench.models import VAE
from vaebench.seeds import torch_stream
from vaebench.sparse import Batch, SparseRows


def all_models() -> list[type[VAE]]:
    return variants(vaebench.models, VAE)


@pytest.fixture(params=all_models(), ids=lambda c: c.__name__)
def model_class(request: pytest.FixtureRequest) -> type[VAE]:
    return request.param


def examples(model_class: type[VAE], features: int = 12) -> Batch:
    pictures = (torch.rand(7, features, generator=torch_stream("pictures")) < 0.5).float()
    if model_class.data_kind == "images":
        return pictures
    return SparseRows.from_scipy(scipy.sparse.csr_matrix(pictures.numpy()))


def made(model_class: type[VAE], *names: object) -> VAE:
    model = model_class(12)
    model.initialise(torch_stream(*names))
    return model


def test_shapes(model_class: type[VAE]) -> None:
    model, x = made(model_class), examples(model_class)
    q = model.encode(x, torch_stream("noise"))
    z = q.rsample(torch_stream("z"))
    assert z.shape == q.rate(model.prior()).shape == (7, model.latents)
    assert model.decode(z).log_prob(x).shape == (7,)


def test_a_name_gives_the_same_weights_whatever_was_drawn_before(model_class: type[VAE]) -> None:
    first = made(model_class, "weights", 1)
    torch.rand(3)
    again, other = made(model_class, "weights", 1), made(model_class, "weights", 2)
    pairs = zip(first.parameters(), again.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
    assert not torch.equal(next(first.parameters()), next(other.parameters()))


def test_every_parameter_learns(model_class: type[VAE]) -> None:
    model, x = made(model_class), examples(model_class)
    q = model.encode(x, torch_stream("noise"))
    loss = (
        q.rate(model.prior()).sum() - model.decode(q.rsample(torch_stream("z"))).log_prob(x).sum()
    )
    loss.backward()
    assert all(parameter.grad.abs().max() > 0 for parameter in model.parameters())
