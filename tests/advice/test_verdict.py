"""The sentences: told where the truth differs, not told where it does not."""

import numpy as np
import pytest
import scipy.stats

from vaebench.advice.advised import Advice, concluded
from vaebench.advice.prior import expected
from vaebench.advice.trials import ANNEALED, Trained, Tried
from vaebench.advice.verdict import alike, difference, signed

SHAPE = {"mean_n": 40.0}
BETAS = (0.02, 0.2, 2.0)


def test_one_training_is_students_interval_of_users() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(0.4, 0.1, (2, 200))
    a[3] = np.nan
    found = difference([a], [b], comparisons=3)
    kept = np.isfinite(a)
    low, high = scipy.stats.ttest_rel(a[kept], b[kept]).confidence_interval(1 - 0.05 / 3)
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))
    assert (found.users, found.trainings) == (199, 1)


def test_three_trainings_have_the_spread_between_trainings_in_the_interval() -> None:
    rng = np.random.default_rng(1)
    b = [rng.normal(0.4, 0.01, 4000) for _ in range(3)]
    a = [values + shift for values, shift in zip(b, (0.0, 0.03, 0.06), strict=True)]
    found = difference(a, b)
    assert found.mean == pytest.approx(0.03)
    assert not found.told, "users alone would be certain, trainings are not"
    assert difference(a[:1], [b[0] - 0.01]).told


def tried(effect: float, users: int = 400, seed: int = 0, ease: float = 0.0) -> Tried:
    """Trials of a world in which β = .2 is ``effect`` better than the others."""
    rng = np.random.default_rng(seed)
    base = {part: rng.normal(0.35, 0.1, users) for part in ("validation", "test")}

    def values(part: str, gain: float) -> np.ndarray:
        return base[part] + gain + rng.normal(0, 0.03, users)

    def trained(name: str, strategy: dict[str, object], gain: float) -> Trained:
        own = values("validation", gain)
        made = Trained(name, strategy, 0, 40, float(own.mean()), own, 0.2, 20.0)
        made.test = values("test", gain)
        return made

    points = [
        trained("constant", {"class": "constant.Constant", "beta": b}, effect * (b == 0.2))
        for b in BETAS
    ]
    one = trained("one", {"class": "constant.Constant", "beta": 1.0}, 0.0)
    published = trained("published", ANNEALED, 0.0)
    closed = trained("ease", {"class": "ease.EASE", "l2": 300.0}, effect + ease)
    return Tried([points], [*points, one, published], closed)


def advice(effect: float, ease: float = 0.0, seed: int = 0) -> Advice:
    return concluded(tried(effect, ease=ease, seed=seed), expected([], SHAPE), "ndcg@100")


def test_where_beta_matters_it_is_told() -> None:
    found = advice(0.03)
    what, worth, closed = found.sentences()
    assert what.startswith("Set β = 0.2 throughout training (0.005 per interaction; rate 0.5 nats")
    assert found.alike == [0.2]
    assert "is ahead of β = 1, +.028 [+.023, +.033]" in worth
    assert "is ahead of the published annealing, +.0" in worth
    assert closed.startswith("Your data cannot tell a closed form (EASE^R) from it")


def test_where_nothing_matters_the_data_cannot_tell() -> None:
    found = advice(0.0, seed=1)
    assert found.sentences()[1].startswith("Your data cannot tell it from β = 1 ")
    assert "cannot be told from it" in found.sentences()[0]


def test_where_nothing_matters_it_is_rarely_told() -> None:
    """Both comparisons and the closed form at once; β was chosen on other users."""
    told = [any(d.told for d in advice(0.0, seed=seed).against.values()) for seed in range(200)]
    assert np.mean(told) < 0.09


def test_a_better_closed_form_is_said() -> None:
    closed = advice(0.03, ease=0.05).sentences()[2]
    assert closed.startswith("A closed form (EASE^R) is expected to be better, by +.049 [+.044")
    assert "expected to be worse" in advice(0.03, ease=-0.05).sentences()[2]


def test_another_strategy_takes_the_place_where_it_is_ahead_by_a_standard_error() -> None:
    rng = np.random.default_rng(5)
    found = tried(0.03)
    best = next(each for each in found.whole if each.strategy.get("beta") == 0.2)
    for gain, name in ((-0.001, "constant"), (0.005, "user-scaled")):
        gamma = {"class": "user_scaled.UserScaled", "gamma": 0.005}
        users = best.users + gain + rng.normal(0, 0.03, 400)
        other = Trained("user-scaled", gamma, 0, 40, float(users.mean()), users, 0.2, 20.0)
        other.test = users
        both = Tried(found.rungs, [*found.whole, other], found.closed)
        chosen = concluded(both, expected([], SHAPE), "ndcg@100")
        assert chosen.chosen is not None
        assert chosen.chosen.name == name
    assert "β_u = 0.005·n_u, 0.2 on average" in chosen.sentences()[0]


def test_without_a_trial_there_is_no_advice() -> None:
    found = concluded(Tried(), expected([], SHAPE), "ndcg@100")
    assert found.chosen is None
    assert "allow more --minutes" in found.sentences()[0]


def test_betas_are_alike_in_the_latest_rung_that_both_are_in() -> None:
    rng = np.random.default_rng(3)
    base = rng.normal(0.3, 0.1, 300)

    def at(beta: float, gain: float) -> Trained:
        own = base + gain + rng.normal(0, 0.01, 300)
        return Trained("constant", {"beta": beta}, score=float(own.mean()), users=own)

    first = [at(0.1, 0.0), at(0.2, 0.0), at(0.4, -0.05)]
    second = [at(0.1, -0.05), at(0.2, 0.0)]
    assert alike([first, second], second[1]) == [0.2]
    assert alike([first], first[1]) == [0.1, 0.2]


def test_numbers_are_short() -> None:
    assert [signed(x) for x in (0.0123, -0.5, 0.0, -0.0001)] == ["+.012", "−.500", "+.000", "+.000"]
