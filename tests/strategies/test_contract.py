"""What every strategy promises; a new file in vaebench/strategies is tested without an edit."""

import inspect

import pytest
import torch
from torch import Tensor

import vaebench.strategies
from tests.variants import variants
from vaebench.components import options
from vaebench.contracts import ContractBroken, check_strategy
from vaebench.strategies import Stats, Strategy


def all_strategies() -> list[type[Strategy]]:
    return variants(vaebench.strategies, Strategy)


@pytest.fixture(params=all_strategies(), ids=lambda c: c.__name__)
def strategy_class(request: pytest.FixtureRequest) -> type[Strategy]:
    return request.param


def test_there_are_strategies() -> None:
    assert len(all_strategies()) >= 16


def test_contract(strategy_class: type[Strategy]) -> None:
    check_strategy(strategy_class)


def test_defaults_pass_the_check_of_the_config(strategy_class: type[Strategy]) -> None:
    options(strategy_class, {})


def test_docstring_names_its_source(strategy_class: type[Strategy]) -> None:
    text = inspect.getdoc(strategy_class) or ""
    assert "β" in text
    assert "arXiv" in text or "et al." in text


class Positional(Strategy):
    def __init__(self, beta: float = 1.0) -> None:
        super().__init__()
        self.beta = beta

    def forward(self, stats: Stats) -> Tensor:
        return torch.tensor(self.beta, device=stats.step.device)


class Counting(Strategy):
    """Not pure, and its state is no buffer."""

    calls = 0

    def forward(self, stats: Stats) -> Tensor:
        self.calls += 1
        return torch.tensor(float(self.calls), device=stats.step.device)


class Forgetful(Strategy):
    seen = 0.0

    def forward(self, stats: Stats) -> Tensor:
        return torch.tensor(self.seen, device=stats.step.device)

    def update(self, stats: Stats) -> None:
        self.seen += stats.rate.mean().item()


class Replacing(Strategy):
    def __init__(self) -> None:
        super().__init__()
        self.seen: Tensor
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, stats: Stats) -> Tensor:
        return self.seen.expand_as(stats.step)

    def update(self, stats: Stats) -> None:
        self.seen = self.seen + stats.rate.mean()


class Wide(Strategy):
    def forward(self, stats: Stats) -> Tensor:
        return stats.rate.double() * 0 + 1


class Misshapen(Strategy):
    def forward(self, stats: Stats) -> Tensor:
        return torch.ones(len(stats.rate) + 1, device=stats.rate.device)


class Overflowing(Strategy):
    def forward(self, stats: Stats) -> Tensor:
        return torch.exp(stats.rate.sum())


class Writing(Strategy):
    def forward(self, stats: Stats) -> Tensor:
        stats.rate.clamp_(min=0.5)
        return stats.rate.new_ones(())


class Negative(Strategy):
    def forward(self, stats: Stats) -> Tensor:
        return stats.rate.new_ones(())

    def example_weights(self, stats: Stats) -> Tensor:
        return -torch.ones_like(stats.distortion)


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        (Positional, "keyword-only"),
        (Counting, "two calls of forward"),
        (Forgetful, "saving and loading changes β"),
        (Replacing, "buffer 'seen' is replaced"),
        (Wide, "widens the loss"),
        (Misshapen, "β has shape"),
        (Overflowing, "not finite"),
        (Writing, "writes into its statistics"),
        (Negative, "example_weights"),
    ],
)
def test_a_broken_promise_is_named(broken: type[Strategy], sentence: str) -> None:
    with pytest.raises(ContractBroken, match=rf"^{broken.__name__}: .*{sentence}.*allowed"):
        check_strategy(broken)
