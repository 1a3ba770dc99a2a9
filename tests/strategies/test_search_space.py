"""Every strategy says where its options are looked for, and nothing there is refused."""

import itertools

import pytest

import vaebench.strategies
from tests.variants import variants
from vaebench.components import create
from vaebench.strategies import Strategy


@pytest.fixture(params=variants(vaebench.strategies, Strategy), ids=lambda c: c.__name__)
def strategy(request: pytest.FixtureRequest) -> type[Strategy]:
    return request.param


def test_a_strategy_declares_its_search_space(strategy: type[Strategy]) -> None:
    assert strategy.search_space


def test_every_corner_of_the_space_can_be_built(strategy: type[Strategy]) -> None:
    path = f"{strategy.__module__.rpartition('.')[2]}.{strategy.__name__}"
    space = strategy.search_space
    for shares in itertools.product((0.0, 0.5, 1.0), repeat=len(space)):
        chosen = {name: space[name].at(share) for name, share in zip(space, shares, strict=True)}
        built = create("vaebench.strategies", {"class": path, **chosen})
        assert isinstance(built, strategy)
        assert vars(built).items() >= chosen.items()
