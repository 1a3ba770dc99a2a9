"""What every strategy promises; a new file in vaebench/strategies is tested without an edit."""

import inspect
import random
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import vaebench.strategies
from tests.variants import variants
from vaebench.components import options
from vaebench.contracts import ContractBroken, check_strategy
from vaebench.errors import ArgumentError, ConfigError
from vaebench.strategies import Stats, Strategy, Weight
from vaebench.strategies.capacity import Capacity
from vaebench.strategies.constant import Constant
from vaebench.strategies.cyclical import Cyclical
from vaebench.strategies.geco import GECO
from vaebench.strategies.linear import Linear
from vaebench.strategies.pid import PID
from vaebench.strategies.step import Step


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


class NegativeWeights(Strategy):
    def forward(self, stats: Stats) -> Tensor:
        return stats.rate.new_ones(())

    def example_weights(self, stats: Stats) -> Tensor:
        return -torch.ones_like(stats.distortion)


class WideWeights(NegativeWeights):
    def example_weights(self, stats: Stats) -> Tensor:
        return torch.ones_like(stats.distortion, dtype=torch.float64)


class Negative(Strategy):
    """Below 0 at the end of training alone."""

    def forward(self, stats: Stats) -> Tensor:
        return 0.9 - stats.step / stats.total


class Row(Strategy):
    """(B,): at B = Z it would pass for a weight of each latent."""

    def forward(self, stats: Stats) -> Tensor:
        return torch.ones_like(stats.distortion)


class Unannounced(Strategy):
    """Its buffers survive; how often it was updated does not, and does not show at once."""

    def __init__(self) -> None:
        super().__init__()
        self.rates: list[float] = []

    def forward(self, stats: Stats) -> Tensor:
        return torch.full_like(stats.distortion[0], 1.0 + (len(self.rates) > 50))

    def update(self, stats: Stats) -> None:
        self.rates.append(stats.rate.mean().item())


class Drawing(Strategy):
    """A draw of the whole program's numbers that β does not depend on today."""

    def forward(self, stats: Stats) -> Tensor:
        torch.rand(())
        return stats.rate.new_ones(())


class Seeding(Strategy):
    """The same numbers each time, and from now on for everybody else, too."""

    def forward(self, stats: Stats) -> Tensor:
        torch.manual_seed(0)
        return torch.rand_like(stats.rate[0, 0])


class DrawingOnce(Strategy):
    def __init__(self) -> None:
        super().__init__()
        self.beta = float(np.random.default_rng(0).random()) + random.random()  # noqa: S311

    def forward(self, stats: Stats) -> Tensor:
        return torch.full_like(stats.distortion[0], self.beta)


class DrawingInUpdate(Strategy):
    def forward(self, stats: Stats) -> Tensor:
        return stats.rate.new_ones(())

    def update(self, stats: Stats) -> None:  # noqa: ARG002
        np.random.rand()  # noqa: NPY002


class Exploding(Strategy):
    """Finite for a while."""

    def __init__(self) -> None:
        super().__init__()
        self.weight: Tensor
        self.register_buffer("weight", torch.ones(()))

    def forward(self, stats: Stats) -> Tensor:
        return self.weight.expand_as(stats.step)

    def update(self, stats: Stats) -> None:
        self.weight.mul_(10 if stats.rate.mean() > 1 else 1)


class Counted(Strategy):
    """Asks for what pictures do not have, without saying so."""

    def forward(self, stats: Stats) -> Tensor:
        return 0.01 * stats.counts[:, None]


class Rising(Strategy):
    """A schedule that is not announced."""

    def forward(self, stats: Stats) -> Tensor:
        return torch.clamp(2 * stats.step / stats.total, max=1.0)


class TooSoon(Rising):
    """Announced, but half of it."""

    def moves_until(self, total: int) -> float:  # noqa: ARG002
        return 0.25


class LateSetPoint(Capacity):
    """Only where the rate is near the end of the growing target does β move."""

    def moves_until(self, total: int) -> float:  # noqa: ARG002
        return 0.9


class LateLoop(GECO):
    """No schedule in β, one in what moves it."""

    def moves_until(self, total: int) -> float:  # noqa: ARG002
        return 0.0


class Validated(Constant):
    """β may move after any epoch, and no statistics show it."""

    def observe(self, validation: float) -> None:
        pass


class Beyond(Constant):
    def moves_until(self, total: int) -> float:
        return total / 2


class Unchecked(Strategy):
    def __init__(self, *, beta=1.0) -> None:  # noqa: ANN001
        super().__init__()
        self.beta = beta

    def forward(self, stats: Stats) -> Tensor:
        return torch.full_like(stats.distortion[0], self.beta)


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        (Positional, "keyword-only"),
        (Counting, "two calls of forward"),
        (Forgetful, "attribute 'seen' is state"),
        (Replacing, "buffer 'seen' is replaced"),
        (Wide, "widens the loss"),
        (Misshapen, "β has shape"),
        (Overflowing, "not finite"),
        (Writing, "writes into its statistics"),
        (NegativeWeights, "example_weights"),
        (WideWeights, "example_weights are torch.float64"),
        (Negative, "β is negative"),
        (Row, r"β has shape \(5,\)"),
        (Unannounced, "attribute 'rates' is state"),
        (Drawing, "forward at step 0.* draws from a global random stream"),
        (Seeding, "or seeds it"),
        (DrawingOnce, "the constructor draws from a global random stream"),
        (DrawingInUpdate, "update or observe draws"),
        (Exploding, "not finite after 300 updates"),
        (Counted, "data without counts raise TypeError"),
        (Unchecked, "option 'beta' has no annotation"),
        (Rising, r"β moves by schedule at update 15 of 30, but moves_until\(30\) is 0;"),
        (TooSoon, r"β moves by schedule at update 15 of 30, but moves_until\(30\) is 0.25;"),
        (LateSetPoint, "β moves by schedule"),
        (LateLoop, "what update does to β moves by schedule at update 3 of 30"),
        (Beyond, r"moves_until\(30\) is 15.0;"),
        (Validated, "observe may move β after any epoch"),
    ],
)
def test_a_broken_promise_is_named(broken: type[Strategy], sentence: str) -> None:
    with pytest.raises(ContractBroken, match=rf"^{broken.__name__}: .*{sentence}.*allowed"):
        check_strategy(broken)


def test_a_strategy_that_asks_for_more_rate_says_so() -> None:
    class Signed(Negative):
        signed = True

        def moves_until(self, total: int) -> float:  # noqa: ARG002
            return 1.0

    check_strategy(Signed)


@pytest.mark.parametrize(
    ("strategy", "options", "sentence"),
    [
        (Cyclical, {"cap": -1}, r"cap: -1 is not allowed; it should be greater than or equal to 0"),
        (Cyclical, {"shape": "wave"}, r"shape: 'wave' is not allowed"),
        (Linear, {"cap": float("nan")}, r"cap: nan is not allowed; it should be a finite number"),
        (Step, {"at": 0}, r"at: 0 is not allowed; it should be greater than 0"),
        (Constant, {"betta": 1}, r"betta: unknown key; allowed: beta"),
        (PID, {"low": 1.0, "high": 0.5}, r"low: 1.0 is not allowed"),
    ],
)
def test_options_are_checked_whoever_calls_the_constructor(
    strategy: type[Strategy], options: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ArgumentError, match=sentence) as found:
        strategy(**options)
    assert "\n" not in str(found.value)
    assert isinstance(found.value, ConfigError | ValueError)


def test_a_subclass_checks_its_own_options_and_its_parents() -> None:
    class Doubled(Constant):
        def __init__(self, *, factor: Weight = 2.0, **others: float) -> None:
            super().__init__(**others)
            self.factor = factor

    made = Doubled(factor=3, beta=1)
    assert (made.factor, made.beta) == (3.0, 1.0)
    with pytest.raises(ArgumentError, match=r"^Doubled: factor: -1"):
        Doubled(factor=-1)
    with pytest.raises(ArgumentError, match=r"^Doubled: beta: -1"):
        Doubled(beta=-1)


B, Z = 3, 2
FINE = {
    "step": torch.tensor(3),
    "total": 10,
    "distortion": torch.ones(B),
    "rate": torch.ones(B, Z),
    "counts": torch.ones(B),
}


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("step", 3, r"Stats\.step: 3 is not allowed; it should be a tensor of shape \(\)"),
        ("step", torch.ones(1), r"step: shape \(1,\) .* of shape \(\)"),
        ("total", 0, r"total: 0 is not allowed; it should be ≥ 1"),
        ("distortion", torch.ones(B, 1), r"distortion: shape \(3, 1\) .* of shape \(B,\)"),
        ("distortion", 5.0, r"distortion: 5.0 .* of shape \(B,\)"),
        ("rate", torch.ones(B), r"rate: shape \(3,\) .* of shape \(B, Z\)"),
        ("rate", torch.ones(B + 1, Z), r"rate: shape \(4, 2\) .* of shape \(3, Z\)"),
        ("counts", torch.ones(B, 1), r"counts: shape \(3, 1\) .* of shape \(3,\)"),
        ("counts", [1, 2, 3], r"counts: \[1, 2, 3\] .* of shape \(3,\)"),
    ],
)
def test_statistics_of_another_shape_are_refused(name: str, value: Any, sentence: str) -> None:
    Stats(**FINE)
    with pytest.raises(ArgumentError, match=sentence):
        Stats(**FINE | {name: value})
