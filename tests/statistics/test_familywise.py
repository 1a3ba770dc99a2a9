"""Many strategies at once: a short version of the grid in docs/statistics.md."""

import math
from dataclasses import replace

import numpy as np
import pytest
import scipy.stats

from vaebench.statistics.familywise import Design, designs, main, rates
from vaebench.statistics.layout import Layout
from vaebench.statistics.multiplicity import step_down

STUDIES = 2_000
BOUND = 0.055 + 3 * math.sqrt(0.05 * 0.95 / STUDIES)


def test_verdicts_keep_their_family_wise_error_on_the_whole_grid() -> None:
    """The hardest half of it here, all of it in the docs: 10 seeds are the easy ones."""
    hard = [design for design in designs() if design.seeds < 10 and design.share < 0.1]
    assert len(hard) == 8
    for design in hard:
        found = rates(design, STUDIES)
        for name in ("both", "mixed", "equivalence"):
            assert found[name] < BOUND, (design, name)


@pytest.mark.parametrize(("users", "least"), [(750, 0.07), (10_000, 0.2)])
def test_the_crossed_test_alone_does_not(users: int, least: float) -> None:
    found = rates(Design(seeds=3, users=users), STUDIES)
    assert found["crossed"] > least > BOUND


def test_nothing_is_lost_from_ten_seeds_on() -> None:
    found = rates(Design(seeds=10), STUDIES)
    assert found["found"] > found["found_crossed"] - 0.01


@pytest.mark.parametrize("equal", [True, False])
def test_mean_squares_are_distributed_as_those_of_users(equal: bool) -> None:  # noqa: FBT001
    """Each number, and what couples the contrasts: the smallest p of a family."""
    design = Design(contrasts=3, seeds=3, users=15, share=0.3, equal=equal, own=0.01)
    quick, slow = (
        draw(np.random.default_rng(seed), 3_000)
        for seed, draw in enumerate((design.draw, design.draw_values))
    )
    pairs = {
        name: (getattr(quick, name), getattr(slow, name))
        for name in ("mean", "ms_example", "ms_seed", "ms_error")
    }
    for name, (a, b) in pairs.items():
        for place in range(3):
            assert scipy.stats.ks_2samp(a[:, place], b[:, place]).pvalue > 1e-3, (name, place)
        among = [np.corrcoef(np.log(np.abs(values)).T)[0, 1] for values in (a, b)]
        assert among[0] == pytest.approx(among[1], abs=0.08), name
        assert among[0] > 0.1, f"{name}: contrasts share their control"
    for a, b in zip(quick.p(), slow.p(), strict=True):
        assert scipy.stats.ks_2samp(a.min(1), b.min(1)).pvalue > 1e-3


def test_arrays_are_tested_as_single_contrasts_are() -> None:
    design = Design(contrasts=4, seeds=4, users=12, share=0.3)
    random = np.random.default_rng(0)
    state = random.bit_generator.state
    drawn = design.draw_values(random, 5)
    random.bit_generator.state = state  # the same values once more
    size = (5, 5, 12, 4)
    y = design.own * random.normal(size=(*size[:3], 1)) + design.rest * random.normal(size=size)
    y += design.seed_deviations[:, None, None] * random.normal(size=(5, 5, 1, 4))
    crossed, both = drawn.p()
    for study in range(5):
        for place in range(4):
            layout = Layout.of(y[study, place + 1] - y[study, 0])
            assert layout.crossed.two_sided() == pytest.approx(crossed[study, place])
            assert layout.two_sided() == pytest.approx(both[study, place])


def test_standard_errors_are_the_true_ones() -> None:
    design = Design(contrasts=3, seeds=3, users=200, equal=False)
    drawn = design.draw(np.random.default_rng(0), 20_000)
    assert drawn.mean.std(0) == pytest.approx(design.errors, rel=0.03)
    assert replace(design, share=0.5).errors.min() > design.errors.min()


def test_the_grid_is_the_one_promised() -> None:
    grid = list(designs())
    assert len(grid) == 24
    assert {design.contrasts for design in grid} == {24}
    assert {design.seeds for design in grid} == {3, 5, 10}
    assert {design.users for design in grid} == {750, 10_000}


def test_the_adjustment_of_arrays_is_that_of_each_row() -> None:
    p = np.array([[0.01, 0.04, 0.03], [0.5, 0.001, 0.2]])
    assert step_down(p) == pytest.approx(np.array([[0.03, 0.06, 0.06], [0.5, 0.003, 0.4]]))


def test_the_command_prints_a_row_a_design(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--studies", "20"])
    text = capsys.readouterr().out
    assert text.count("\n| ") == 2 + 24
    assert "The largest error rate of verdicts is" in text
