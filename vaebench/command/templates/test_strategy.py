"""Mine keeps the contract of a strategy, and β is what its formula says."""

import pytest
import torch

from vaebench.command.templates.strategy import Mine
from vaebench.contracts import check_strategy
from vaebench.strategies import Stats


def test_it_keeps_the_contract() -> None:
    check_strategy(Mine)


def test_beta_is_that_of_the_formula() -> None:
    mine = Mine(cap=2.0, warmup=0.5)
    for step, beta in ((0, 0.0), (25, 1.0), (50, 2.0), (99, 2.0)):
        stats = Stats(torch.tensor(step), 100, torch.ones(4), torch.ones(4, 3))
        assert mine(stats).item() == pytest.approx(beta)
