"""Models and baselines of one data set: what draws nothing, and who is compared with whom."""

import math

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from vaebench.statistics.contrasts import contrast
from vaebench.statistics.family import compare
from vaebench.statistics.models import between_models

CONTROL, NONE = "constant", "none"
ORDER = [CONTROL, "linear", NONE]


@pytest.fixture
def families() -> dict[str, dict[str, pd.DataFrame]]:
    random = np.random.default_rng(4)
    users = 0.4 + 0.1 * random.normal(size=(60, 1))

    def runs(level: float, seeds: int) -> pd.DataFrame:
        return pd.DataFrame(level + users + 0.02 * random.normal(size=(60, seeds)))

    return {
        "mult-vae": {CONTROL: runs(0, 4), "linear": runs(0.01, 4)},
        "rec-vae": {"linear": runs(0.05, 4)},
        "ease": {NONE: runs(0.08, 1)},
        "popularity": {NONE: runs(-0.2, 1)},
        "none-finished": {},
    }


def between(families: dict[str, dict[str, pd.DataFrame]]) -> pd.DataFrame:
    fixed = {"ease", "popularity"}
    return between_models(families, fixed, ORDER, CONTROL, 0.95, 0.01).set_index("model")


def test_all_other_models_are_tested_against_one_control(
    families: dict[str, dict[str, pd.DataFrame]],
) -> None:
    table = between(families)
    assert table["strategy"].to_dict() == {
        "mult-vae": CONTROL,
        "rec-vae": "linear",
        "ease": NONE,
        "popularity": NONE,
    }
    assert (table["reference"] == "mult-vae").all()
    assert table["verdict"].tolist() == ["control", "higher", "higher", "lower"]
    expected = contrast(families["rec-vae"]["linear"], families["mult-vae"][CONTROL], 0.95)
    assert table.loc["rec-vae", "p"] == expected["p"]
    assert table.loc["rec-vae", "p_holm"] <= 3 * table.loc["rec-vae", "p"]


def test_what_draws_nothing_varies_over_examples_alone(
    families: dict[str, dict[str, pd.DataFrame]],
) -> None:
    """The interval of the mean is Student's over users, whatever the number of seeds."""
    ease = families["ease"][NONE]
    expected = scipy.stats.ttest_1samp(ease[0], 0).confidence_interval(0.95)
    row = between(families).loc["ease"]
    assert (row["low"], row["high"]) == pytest.approx(tuple(expected))
    (alone,) = compare({NONE: ease}, [NONE], CONTROL, 0.95, fixed=True).to_dict("records")
    assert (alone["low"], alone["high"]) == pytest.approx(tuple(expected))
    (unknown,) = compare({NONE: ease}, [NONE], CONTROL, 0.95).to_dict("records")
    assert math.isnan(unknown["low"]), "one seed of a model that draws says nothing"


def test_its_difference_varies_with_the_seeds_of_the_reference(
    families: dict[str, dict[str, pd.DataFrame]],
) -> None:
    """The crossed one-sample test of y − b, written out."""
    control = families["mult-vae"][CONTROL].to_numpy()
    d = families["ease"][NONE].to_numpy() - control
    users, seeds = d.shape
    of_users, of_seeds = d.mean(1), d.mean(0)
    ms_users = seeds * of_users.var(ddof=1)
    ms_seeds = users * of_seeds.var(ddof=1)
    rest = d - of_users[:, None] - of_seeds + d.mean()
    ms_rest = (rest**2).sum() / ((users - 1) * (seeds - 1))
    error = math.sqrt(max(ms_users + ms_seeds - ms_rest, ms_users, ms_seeds) / d.size)
    row = between(families).loc["ease"]
    freedom = contrast(pd.DataFrame(d + control), pd.DataFrame(control), 0.95)["freedom"]
    half = scipy.stats.t.ppf(0.975, freedom) * error
    assert row["difference"] == pytest.approx(d.mean())
    assert row["difference_high"] - row["difference"] == pytest.approx(half)


def test_without_a_control_or_a_second_model_nothing_is_tested(
    families: dict[str, dict[str, pd.DataFrame]],
) -> None:
    lonely = {"mult-vae": families["mult-vae"], "none-finished": {}}
    assert between(lonely).empty
    baselines = {name: families[name] for name in ("ease", "popularity")}
    table = between(baselines)
    assert table["p"].isna().all()
    assert table["low"].notna().all()
    assert set(table["note"]) == {"constant has no results: no test"}
    assert (table["verdict"] == "no test").all()
