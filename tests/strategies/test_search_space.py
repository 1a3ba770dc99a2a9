"""Every strategy says where its options are looked for, all alike, and nothing there is refused."""

import itertools
import math

import pytest
import torch

import vaebench.strategies
from tests.variants import variants
from vaebench.components import create
from vaebench.search import DECADES, PARTS, PER_COUNT, SHARE, WEIGHT, Range
from vaebench.strategies import Stats, Strategy
from vaebench.strategies.constant import Constant
from vaebench.strategies.per_interaction import PerInteraction
from vaebench.strategies.user_scaled import UserScaled


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


def unlike(space: dict[str, Range]) -> list[str]:
    """Options whose range is neither three decades nor the one range of shares or of parts."""
    return [
        name
        for name, spread in space.items()
        if not (
            math.isclose(math.log10(spread.high / spread.low), DECADES)
            if spread.log
            else spread in (SHARE, PARTS)
        )
    ]


def test_all_options_of_all_strategies_have_ranges_of_one_width(strategy: type[Strategy]) -> None:
    assert not unlike(dict(strategy.search_space))


def test_a_range_of_another_width_is_found() -> None:
    space = {
        "two": Range(0.0005, 0.05, log=True),
        "four": Range(0.001, 10, log=True),
        "share": Range(0.1, 1),
        "parts": Range(1, 20, whole=True),
    }
    assert unlike(space) == list(space)


def test_what_is_a_weight_is_looked_for_where_all_weights_are(strategy: type[Strategy]) -> None:
    """The pilots' best β lies between .02 and .6, and .005 … 5 holds it with room at both ends."""
    assert (WEIGHT.low, WEIGHT.high) == (0.005, 5)
    for name in {"beta", "cap", "start", "after"} & strategy.search_space.keys():
        assert strategy.search_space[name] == (PER_COUNT if strategy.needs_counts else WEIGHT)


@pytest.mark.parametrize(("kind", "option"), [(UserScaled, "gamma"), (PerInteraction, "beta")])
def test_what_multiplies_counts_has_the_range_of_a_constant(
    kind: type[Strategy], option: str
) -> None:
    """WEIGHT / n̄ gives the mean β of users all values that a constant may have, and no others."""
    counts = torch.tensor([20.0, 35.0, 50.0, 400.0, 995.0])
    mean = float(counts.mean())
    stats = Stats(torch.tensor(0), 1, counts, torch.ones(5, 3), counts)
    assert kind.search_space[option] == Range(WEIGHT.low / 100, WEIGHT.high / 100, log=True)
    own = Range(WEIGHT.low / mean, WEIGHT.high / mean, log=True)
    for share in (0.0, 0.3, 1.0):
        found = kind(**{option: own.at(share)})(stats).mean()
        constant = Constant(beta=WEIGHT.at(share))(stats)
        assert found.item() == pytest.approx(constant.item(), rel=1e-6)
