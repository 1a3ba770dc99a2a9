"""What studies lead to expect, in worlds whose truth is known."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.advice.worlds import BETAS, study
from tests.records.conftest import world
from vaebench.advice import studies as files
from vaebench.advice.prior import (
    ahead,
    combined,
    expected,
    gains,
    said,
    transferred,
)
from vaebench.records.schema import read

ROOT = Path(__file__).parents[2]
SHAPE = {"mean_n": 50.0}
STEP = 3 / 8


def test_losses_are_of_the_latest_rung_in_common() -> None:
    """β .1 wins the last rung; .2 is there too, .4 ended before."""
    rows = [(0, 1, 0.1, 0.30, 1.0), (0, 1, 0.2, 0.31, 1.0), (0, 1, 0.4, 0.28, 1.0)]
    rows += [(0, 2, 0.1, 0.36, 1.0), (0, 2, 0.2, 0.35, 1.0)]
    curves = pd.DataFrame(rows, columns=["replicate", "rung", "beta", "score", "rate"])
    points, loss = replace(study("a"), curves=curves).losses[0]
    assert points == pytest.approx(np.log10([0.1, 0.2, 0.4]))
    assert loss == pytest.approx([0.0, 0.01, 0.02])


@pytest.mark.parametrize("per_n", [False, True])
def test_the_axis_on_which_optima_coincide_is_found(per_n: bool) -> None:  # noqa: FBT001
    sizes = [10.0, 20, 40, 80, 160, 320]
    known = [
        study(f"d{n}", math.log10(n / 400) if per_n else -0.6, mean_n=n, depth=0.05) for n in sizes
    ]
    found = expected(known, {"mean_n": 200.0})
    assert found.axis == per_n
    assert found.log_beta == pytest.approx(math.log10(0.5) if per_n else -0.6, abs=STEP)
    assert found.low < found.log_beta < found.high


def test_fewer_than_five_units_give_no_interval() -> None:
    known = [study(f"d{n}", -1) for n in range(4)]
    found = expected(known, SHAPE)
    assert not found.enough
    assert math.isnan(found.low)
    assert "too few" in said(found)[0]
    releases = [replace(each, unit="one") for each in known] * 2
    assert expected(releases, SHAPE).units == 1, "releases of one collection count once"
    assert expected([replace(each, unit="") for each in known], SHAPE).units == 0


def test_the_interval_holds_the_best_beta_of_a_new_data_set() -> None:
    rng = np.random.default_rng(1)
    inside = []
    for _ in range(40):
        bests = rng.normal(-0.8, 0.4, 7).clip(-2, 0.5)
        known = [
            study(f"d{n}", best, noise=0.001, replicates=2, rng=rng)
            for n, best in enumerate(bests[:-1])
        ]
        found = expected(known, SHAPE)
        inside.append(found.low <= bests[-1] <= found.high)
    assert np.mean(inside) >= 0.88


def test_trials_and_studies_are_combined_as_a_normal_prior() -> None:
    rng = np.random.default_rng(2)
    own = rng.normal(0.3, 0.1, (3, 50))
    centre, width = np.array([0.02, 0.0, -0.02]), np.array([1e-4, 2e-4, 3e-4])
    users = own - own.mean(0)
    v = users.var(1, ddof=1) / 50
    expected_value = (users.mean(1) / v + centre / width) / (1 / v + 1 / width)
    assert combined(own, (centre, width)) == pytest.approx(expected_value)
    assert combined(own, (centre, width * 1e9)) == pytest.approx(combined(own, None), abs=1e-6)
    assert combined(own, (centre, width * 1e-9)) == pytest.approx(centre, abs=1e-6)


def test_studies_correct_a_noisy_choice_and_not_a_clear_one() -> None:
    """With few users the trial that only chance made best is not chosen; with many it is."""
    bests = np.linspace(-1.5, -0.5, 6)
    known = expected([study(f"d{n}", best, depth=0.02) for n, best in enumerate(bests)], SHAPE)
    rng = np.random.default_rng(3)
    other = known.centred(list(BETAS))
    noise = rng.normal(0, 0.2, (9, 30))
    noise[8] += 0.06 - noise[8].mean()  # β = 5 looks best
    assert combined(noise, None).argmax() == 8
    assert combined(noise, other).argmax() < 6
    clear = rng.normal(0, 0.02, (9, 3000))
    clear[8] += 0.06
    assert combined(clear, other).argmax() == 8


def test_gains_are_predicted_and_only_a_true_one_is_ahead() -> None:
    rng = np.random.default_rng(4)
    known = [
        study(f"d{n}", gains={"annealed": 0.01, "step": 0.0, "ease": 0.03}, noise=0.002, rng=rng)
        for n in range(8)
    ]
    table = gains(known).set_index("strategy")
    assert table.loc["annealed", "mean"] == pytest.approx(0.01, abs=0.003)
    assert table.loc["ease", "predicted_low"] < 0.03 < table.loc["ease", "predicted_high"]
    # EASE^R is no strategy, and nothing is known of one that no study has
    known = [replace(s, chosen={k: v for k, v in s.chosen.items() if k != "ease"}) for s in known]
    assert ahead(known) == ["annealed"]
    assert ahead(known[:4]) == [], "four units are too few"
    words = " ".join(said(expected(known, SHAPE)))
    assert "better than a tuned constant β: annealed" in words
    assert "EASE^R, a closed form, against it: +0.0" in words


def test_where_nothing_matters_nothing_is_ahead() -> None:
    rng = np.random.default_rng(5)
    names = ["annealed", "cosine", "cyclical", "step"]
    wrong = 0
    for _ in range(40):
        known = [
            study(f"d{n}", gains=dict.fromkeys(names, 0.0), noise=0.002, replicates=2, rng=rng)
            for n in range(6)
        ]
        wrong += bool(ahead(known))
    assert wrong <= 6


def test_an_option_is_transferred_by_its_ratio_to_the_best_constant() -> None:
    known = [study(f"d{n}", -1, gains={"annealed": 0.01}) for n in range(5)]
    assert transferred("annealed", 0.3, SHAPE, known)["cap"] == pytest.approx(0.6)
    assert transferred("annealed", 0.3, SHAPE)["cap"] == pytest.approx(0.3)
    assert transferred("user-scaled", 0.3, SHAPE)["gamma"] == pytest.approx(0.006)


def test_a_record_becomes_a_study_and_a_file_brings_it_back(tmp_path: Path) -> None:
    folders = [world(tmp_path, name, best=-0.5, mean_n=30.0) for name in ("a", "b")]
    found = files.of_records([read(folder) for folder in folders])
    assert [each.name for each in found] == ["a", "b"]
    assert found[0].mean_n == 30
    assert sorted(found[0].scores) == ["constant", "linear", "scaled"]
    assert found[0].curves["rung"].unique().tolist() == [1]
    points, loss = found[0].losses[0]
    assert points[loss.argmin()] == pytest.approx(-0.5)
    again = files.load(files.make(folders))
    assert again[0].scores["scaled"] == pytest.approx(found[0].scores["scaled"], rel=1e-5)
    assert len(again[0].curves) == len(found[0].curves)


def test_the_file_of_the_package_is_that_of_the_published_records() -> None:
    """Otherwise: python -m vaebench.advice.studies docs/results/records/*."""
    folders = [path.parent for path in ROOT.glob("docs/results/records/*/record.json")]
    shipped = (ROOT / "vaebench/advice" / files.FILE).read_text(encoding="utf-8")
    assert files.make(folders) == shipped
