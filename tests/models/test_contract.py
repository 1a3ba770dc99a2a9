"""What every model promises; a new file in vaebench/models is tested without an edit."""

from typing import get_args

import pytest
import torch
from torch import Tensor

import vaebench.models
from tests.variants import variants
from vaebench.contracts import check_model
from vaebench.contracts.examples import some_examples
from vaebench.models import VAE, Initial
from vaebench.seeds import torch_stream
from vaebench.sparse import Batch, contents
from vaebench.training.estimators import Estimator
from vaebench.training.orders import PARTS


def all_models() -> list[type[VAE]]:
    return variants(vaebench.models, VAE)


@pytest.fixture(params=all_models(), ids=lambda c: c.__name__)
def model_class(request: pytest.FixtureRequest) -> type[VAE]:
    return request.param


def examples(model_class: type[VAE], features: int = 12) -> Batch:
    return some_examples(model_class.data_kind, features, model_class(features).classes)


def made(model_class: type[VAE], *names: object) -> VAE:
    model = model_class(12)
    model.initialise(torch_stream(*names))
    return model


def loss(model: VAE, x: Batch) -> Tensor:
    estimator = Estimator()
    return estimator.loss(estimator.draw(model, x, torch_stream("z")), torch.ones(())).mean()


@pytest.mark.parametrize("how", get_args(Initial))
def test_contract(model_class: type[VAE], how: Initial) -> None:
    check_model(model_class, initial=how)


def test_shapes(model_class: type[VAE]) -> None:
    model, x = made(model_class), examples(model_class)
    q = model.encode(x, torch_stream("noise"))
    z = q.rsample(torch_stream("z"))
    assert z.shape == model.rate(x, q, z).shape == (7, model.latents)
    assert model.likelihood_of(z, model.given(x)).log_prob(contents(x)).shape == (7,)


def test_a_name_gives_the_same_weights_whatever_was_drawn_before(model_class: type[VAE]) -> None:
    first = made(model_class, "weights", 1)
    torch.rand(3)
    again, other = made(model_class, "weights", 1), made(model_class, "weights", 2)
    pairs = zip(first.parameters(), again.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
    assert not torch.equal(next(first.parameters()), next(other.parameters()))


def test_every_parameter_learns(model_class: type[VAE]) -> None:
    model, x = made(model_class), examples(model_class)
    loss(model, x).backward()
    learning = [p for p in model.parameters() if p.requires_grad]
    assert all(p.grad is not None and p.grad.abs().max() > 0 for p in learning)


def test_a_part_learns_alone(model_class: type[VAE]) -> None:
    """Update orders freeze one part: its gradients must then be absent, the other's there."""
    for learns, rests in (PARTS, PARTS[::-1]):
        model, x = made(model_class), examples(model_class)
        getattr(model, rests).requires_grad_(requires_grad=False)
        loss(model, x).backward()
        assert all(p.grad is not None for p in getattr(model, learns).parameters())
        assert all(p.grad is None for p in getattr(model, rests).parameters())
