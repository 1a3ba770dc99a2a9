"""The learning rate's factor against its closed form, and in a real training."""

import math

import pytest
import torch

from tests.learning import train
from tests.linear_gaussian import linear_model, observations
from vaebench.seeds import torch_stream
from vaebench.strategies.constant import Constant
from vaebench.training.learning_rate import factor


def test_without_cycles_it_is_constant() -> None:
    assert {factor(t, 10, None) for t in range(10)} == {1.0}


def test_with_cycles_it_is_the_cosine_with_restarts_of_torch() -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    torchs = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=26)
    for t in range(103):
        assert factor(t, 103, 4) == pytest.approx(torchs.get_last_lr()[0], abs=1e-9)
        optimizer.step()
        torchs.step()


def test_training_uses_it() -> None:
    model = linear_model()
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    found: list[float] = []
    train(
        model,
        Constant(),
        optimizer,
        observations(),
        epochs=2,
        batch_size=250,
        order=torch_stream("order"),
        noise=torch_stream("noise"),
        after_epoch=lambda _: None,
        learning_rate_cycles=2,
        after_update=lambda: found.append(optimizer.param_groups[0]["lr"]),
    )
    cycle = [0.005 * (1 + math.cos(math.pi * t / 4)) for t in range(4)]
    assert found == pytest.approx(cycle * 2)
