"""The tests are what they claim to be: a short version of the simulation in docs/statistics.md.

Tolerances are four binomial standard errors.
"""

import math

import numpy as np
import pandas as pd
import pytest

from vaebench.errors import DataError
from vaebench.statistics import aa
from vaebench.statistics.calibration import World, families, main, pairwise, single_rates
from vaebench.statistics.layout import Layout

STUDIES = 400
SMALL = World("", users=60, seeds=5)


def tolerance(rate: float, studies: int = STUDIES) -> float:
    return 4 * math.sqrt(rate * (1 - rate) / studies)


@pytest.fixture(scope="module")
def rates() -> pd.Series:
    """Seeds and users both vary, users a little more."""
    return pairwise(World("", users=60, seeds=5, own=0.05, seed=0.011, rest=0.05), STUDIES)


@pytest.mark.parametrize("test", ["verdict", "crossed", "bootstrap", "P(A > B)", "equivalence"])
def test_what_claims_new_users_and_seeds_keeps_its_level(rates: pd.Series, test: str) -> None:
    assert rates[f"{test} type I"] < 0.05 + tolerance(0.05)


def test_narrower_claims_keep_their_level_and_not_that_of_the_wider_one(rates: pd.Series) -> None:
    assert rates["seeds: own"] == pytest.approx(0.05, abs=tolerance(0.05))
    assert rates["users: own"] == pytest.approx(0.05, abs=tolerance(0.05))
    assert rates["seeds type I"] > 0.05 + tolerance(0.05), "it takes the users for given"
    seeds = pairwise(World("", users=60, own=0.01, seed=0.02), 100)
    assert seeds["users type I"] > 0.05 + tolerance(0.05, 100), "it takes the models for given"


def test_intervals_cover_and_power_is_as_predicted(rates: pd.Series) -> None:
    for name in ("verdict", "bootstrap", "mean"):
        assert rates[f"{name} coverage"] > 0.95 - tolerance(0.05), name
    assert rates["verdict power"] == pytest.approx(
        rates["predicted power"], abs=tolerance(0.75) + 0.03
    )
    assert rates["equivalence power"] > 0.8


@pytest.mark.parametrize("seeds", [2, 3, 5, 10])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.8, 1.0])
def test_verdicts_keep_their_level_wherever_the_variance_comes_from(
    seeds: int, share: float
) -> None:
    """40,000 studies each, drawn as mean squares."""
    _, rate = single_rates(seeds, 500, share, studies=40_000)
    assert rate < 0.055 + tolerance(0.05, 40_000)


def test_mean_squares_that_are_drawn_are_those_of_drawn_studies() -> None:
    _, rate = single_rates(4, 50, 0.5, 0.3, studies=40_000)
    random, rejected = np.random.default_rng(5), 0
    # of the mean's variance 1: users .35, seeds .35, rest .3
    parts = {"own": math.sqrt(0.35 * 50), "seed": math.sqrt(0.35 * 4), "rest": math.sqrt(0.3 * 200)}
    world = World("", users=50, seeds=4, user=0, **parts)
    for _ in range(1_000):
        y = world.draw(random, [0.0])[0]
        rejected += Layout.of(y).two_sided() < 0.05
    assert rejected / 1_000 == pytest.approx(rate, abs=tolerance(0.05, 1_000))


def test_families_keep_their_level() -> None:
    found = families(SMALL, 60, strategies=4)
    assert found["Holm, any"] < 0.05 + tolerance(0.05, 60)
    assert found["Holm, any false"] < 0.05 + tolerance(0.05, 60)
    assert found["BH, false share"] < 0.05 + tolerance(0.05, 60)
    assert found["unadjusted, any"] > found["Holm, any"]
    assert found["Holm, found"] > 0.5


def test_the_command_prints_every_table(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--studies", "4"])
    text = capsys.readouterr().out
    for title in ("Type I error", "Power", "Coverage", "Several strategies", "Across data sets"):
        assert f"**{title}" in text


def runs(spread: float, shift: float = 0.0) -> pd.DataFrame:
    """24 runs of one strategy on 50 users; ``shift`` is added to every second one."""
    random = np.random.default_rng(0)
    users = 0.2 * random.normal(size=(50, 1))
    y = users + spread * random.normal(size=(1, 24)) + 0.05 * random.normal(size=(50, 24))
    y[:, ::2] += shift
    return pd.DataFrame(y)


def test_pseudo_strategies_of_one_strategy_do_not_differ() -> None:
    found = aa.rejections(runs(0.02), 5, 120)
    bound = 0.05 + 3 * aa.spread(24, 5) + tolerance(0.05, 120)
    for test in ("verdict", "crossed", "seeds", "bootstrap", "Holm, any"):
        assert found[test] < bound, test
    assert found["users"] > 0.3, "user-level tests take seeds for strategies"


def test_too_few_runs_are_refused() -> None:
    with pytest.raises(DataError, match="24 runs are too few"):
        aa.rejections(runs(0.02), 13, 10)


def test_the_command_refuses_a_folder_without_cells(
    tmp_path: object, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        aa.main([str(tmp_path)])
    assert ended.value.code == 1
    assert "no cells; allowed: the folder of a study that was run" in capsys.readouterr().err
