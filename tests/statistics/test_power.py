"""How many seeds: against statsmodels, and against studies that were drawn."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.special import stdtr
from statsmodels.stats.power import TTestPower

from vaebench.statistics.calibration import World
from vaebench.statistics.familywise import Design
from vaebench.statistics.layout import Layout
from vaebench.statistics.power import (
    Components,
    detectable,
    margins,
    power,
    seeds_needed,
    table,
)
from vaebench.statistics.simultaneous import reachable

SEEDS_ALONE = Components(0.4, 0.0, 0.002**2, 0.0, 500, 5, 1)


@pytest.mark.parametrize("difference", [0.001, 0.002, 0.003])
def test_with_seeds_alone_it_is_the_paired_t_of_statsmodels(difference: float) -> None:
    expected = TTestPower()
    effect = difference / 0.002
    for seeds in (3, 5, 20):
        found = power(difference, np.array([seeds]), SEEDS_ALONE, 0.05)[0]
        assert found == pytest.approx(expected.power(effect, seeds, 0.05), abs=1e-5)
    needed = expected.solve_power(effect, power=0.8, alpha=0.05)
    assert seeds_needed(difference, SEEDS_ALONE, 0.05) == max(2, math.ceil(needed))


def test_drawn_studies_have_the_power_promised() -> None:
    world = World("", users=80, seeds=4, own=0.03, seed=0.004, rest=0.05)
    found = Components(0, 2 * 0.03**2, 2 * 0.004**2, 2 * 0.05**2, 80, 4, 1)
    shift, random, studies = 2.5 * world.error(), np.random.default_rng(0), 2_000
    hits = 0
    for _ in range(studies):
        a, b = world.draw(random, (shift, 0.0))
        hits += Layout.of(a - b).two_sided() < 0.05
    promised = power(shift, np.array([4]), found, 0.05)[0]
    # Satterthwaite's approximation may cost a few hundredths on top of the binomial error
    assert hits / studies == pytest.approx(promised, abs=0.04 + 2 * math.sqrt(0.25 / studies))


def test_where_users_are_too_few_no_number_of_seeds_is_enough() -> None:
    few = Components(0.4, 0.05**2, 0.001**2, 0.05**2, 50, 5, 1)
    assert seeds_needed(0.002, few, 0.05) is None
    assert seeds_needed(0.002, few, 0.05, examples=50_000) is not None


def test_the_detectable_difference_is_detected_as_promised() -> None:
    found = Components(0.4, 0.03**2, 0.002**2, 0.06**2, 400, 5, 3)
    smallest = detectable(found, 0.05)
    assert power(smallest, np.array([5]), found, 0.05)[0] == pytest.approx(0.8, abs=1e-4)


def test_without_any_variance_everything_is_found() -> None:
    still = Components(0.4, 0.0, 0.0, 0.0, 400, 5, 1)
    assert seeds_needed(1e-9, still, 0.05) == 2
    assert detectable(still, 0.05) == 0


def test_two_seeds_have_the_one_degree_of_freedom_of_the_test() -> None:
    found = Components(0.4, 0.03**2, 0.002**2, 0.06**2, 400, 2, 1)
    few, more = power(0.01, np.array([2, 3]), found, 0.05)
    assert few < 0.5 < more
    assert power(detectable(found, 0.05), np.array([2]), found, 0.05)[0] == pytest.approx(
        0.8, abs=1e-4
    )


def test_components_come_from_the_contrasts_to_the_control() -> None:
    random = np.random.default_rng(0)
    a, b = (pd.DataFrame(random.normal(size=(30, 4))) for _ in range(2))
    found = Components.of({"a": a, "b": b, "alone": b[[0]]}, "a")
    assert found is not None
    assert (found.example, found.seed, found.error) == pytest.approx(
        Layout.of((b - a).to_numpy()).components
    )
    assert (found.contrasts, found.seeds, found.examples) == (1, 4, 30)
    assert Components.of({"b": b}, "a") is None
    assert Components.of({"a": a, "b": b[[0]]}, "a") is None


def test_the_table_asks_for_shares_of_the_control_or_for_given_differences() -> None:
    frame = pd.DataFrame([{"dataset": "d", "model": "m", "metric": "elbo", **SEEDS_ALONE.row()}])
    assert table(frame, 0.05)["difference"].tolist() == pytest.approx(
        [0.001, 0.002, 0.004, 0.008, 0.02]
    )
    asked = table(frame, 0.05, differences=[0.002, 1e-9])
    assert asked["seeds_needed"].isna().tolist() == [False, True]
    assert table(frame[:0], 0.05).empty


def test_the_reachable_margin_is_the_least_that_a_study_can_decide() -> None:
    """In drawn studies of 6 contrasts: below it hardly ever, at the other one as often as said."""
    design = Design(contrasts=6, seeds=5, users=750, share=0.3)
    found = Components(
        0.4, 2 * design.own**2, 2 * design.seed**2, 2 * design.rest**2, 750, 5, design.contrasts
    )
    least, decided = margins(found, 0.05)
    assert least < decided
    drawn = design.draw(np.random.default_rng(0), 4_000)
    claims = drawn.claims()

    def equivalent(margin: float) -> float:
        p = np.max(
            [stdtr(nu, (np.abs(drawn.mean) - margin) / error) for error, nu in claims], axis=0
        )
        return float((p < 0.05 / 6).mean())  # Holm's first step

    assert equivalent(decided) == pytest.approx(0.8, abs=0.05)
    assert equivalent(0.5 * least) < 0.01
    rows = pd.DataFrame(
        {"p": 0.5, "pairs": 5, "error": 0.001, "freedom": 9.0, "error_seeds": 0.0008},
        index=range(6),
    )
    by_hand = max(stats.t.isf(0.05 / 6, 9) * 0.001, stats.t.isf(0.05 / 6, 4) * 0.0008)
    assert reachable(rows, 0.05).tolist() == pytest.approx([by_hand] * 6)


def test_a_metric_of_cells_has_a_power_over_seeds() -> None:
    values = {name: pd.DataFrame([[0.1, 0.2, 0.4, 0.3]]) * k for k, name in enumerate("ab", 1)}
    found = Components.of(values, "a")
    assert found is not None
    expected = TTestPower().power(0.2 / values["a"].iloc[0].std(), 4, 0.05)
    assert power(0.2, np.array([4]), found, 0.05)[0] == pytest.approx(expected, abs=1e-4)
    assert margins(found, 0.05)[0] > 0


def test_a_planned_number_of_seeds_can_be_asked_for() -> None:
    frame = pd.DataFrame([{"dataset": "d", "model": "m", "metric": "elbo", **SEEDS_ALONE.row()}])
    five, twenty = (table(frame, 0.05, seeds=seeds).iloc[0] for seeds in (None, 20))
    assert (five["seeds"], twenty["seeds"]) == (5, 20)
    assert twenty["margin_reachable"] < five["margin_reachable"]
    assert twenty["detectable"] < five["detectable"]
