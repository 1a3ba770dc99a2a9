"""What every strategy promises; a new file in vaebench/strategies is tested without an edit."""

import copy
import inspect

import pytest
import torch

import vaebench.strategies
from tests.variants import variants
from vaebench.components import options
from vaebench.strategies import Stats, Strategy


def all_strategies() -> list[type[Strategy]]:
    return variants(vaebench.strategies, Strategy)


def some_stats(step: int = 3, batch: int = 5, latents: int = 4) -> Stats:
    noise = torch.Generator().manual_seed(step)
    return Stats(
        torch.tensor(step),
        100,
        torch.rand(batch, generator=noise) * 50,
        torch.rand(batch, latents, generator=noise),
        torch.arange(1.0, batch + 1),
    )


@pytest.fixture(params=all_strategies(), ids=lambda c: c.__name__)
def strategy(request: pytest.FixtureRequest) -> Strategy:
    return request.param()


def test_there_are_strategies() -> None:
    assert len(all_strategies()) >= 6


def test_defaults_pass_the_check_of_the_config(strategy: Strategy) -> None:
    options(type(strategy), {})


def test_options_are_keyword_only(strategy: Strategy) -> None:
    parameters = inspect.signature(type(strategy)).parameters.values()
    assert all(parameter.kind is parameter.KEYWORD_ONLY for parameter in parameters)


@pytest.mark.parametrize("step", [0, 1, 50, 99])
def test_beta_is_finite_and_broadcasts(strategy: Strategy, step: int) -> None:
    stats = some_stats(step)
    beta = strategy(stats)
    assert torch.isfinite(beta).all()
    assert torch.broadcast_shapes(beta.shape, stats.rate.shape) == stats.rate.shape
    assert (beta * stats.rate).dtype == torch.float32, "β must not promote the loss"


def test_forward_is_pure(strategy: Strategy) -> None:
    stats, before = some_stats(), copy.deepcopy(strategy.state_dict())
    first, second = strategy(stats), strategy(stats)
    assert torch.equal(first, second)
    assert all(torch.equal(before[key], value) for key, value in strategy.state_dict().items())
    untouched = some_stats()
    assert torch.equal(stats.rate, untouched.rate)
    assert torch.equal(stats.step, untouched.step)


def test_no_gradient_flows_through_beta(strategy: Strategy) -> None:
    assert not strategy(some_stats()).requires_grad


def test_state_survives_saving_bit_for_bit(strategy: Strategy) -> None:
    for step in range(5):
        strategy.update(some_stats(step))
    restored = type(strategy)()
    restored.load_state_dict(strategy.state_dict())
    assert torch.equal(strategy(some_stats(6)), restored(some_stats(6)))


def test_docstring_names_its_source(strategy: Strategy) -> None:
    text = inspect.getdoc(type(strategy)) or ""
    assert "β" in text
    assert "arXiv" in text or "et al." in text
