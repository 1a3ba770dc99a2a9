"""The tuning stage: an even and extensible design, judgement on validation, its expected gain."""

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import qmc

from vaebench.cells.found import chosen, merged
from vaebench.errors import Diverged
from vaebench.files import write_json
from vaebench.search import Range
from vaebench.statistics.tuning import Tried, choose, expected_best, promote
from vaebench.study.design import design

SPACE = {
    "strategy.cap": Range(0.01, 10, log=True),
    "strategy.warmup": Range(0, 1),
    "training.learning_rate": Range(1e-4, 1e-2, log=True),
}


def test_a_design_is_fixed_by_its_name() -> None:
    assert design(SPACE, 8, "a") == design(SPACE, 8, "a")
    assert design(SPACE, 8, "a") != design(SPACE, 8, "b")


def test_more_trials_are_the_fewer_and_then_some() -> None:
    """So that a larger budget runs only what is new."""
    assert design(SPACE, 16, "a")[:5] == design(SPACE, 5, "a")


def test_settings_are_nested_by_role() -> None:
    (point,) = design(SPACE, 1, "a")
    assert {role: set(options) for role, options in point.items()} == {
        "strategy": {"cap", "warmup"},
        "training": {"learning_rate"},
    }


def test_a_design_is_more_even_than_chance() -> None:
    """Its discrepancy is below that of every one of 50 random designs of the same size."""
    points = [
        [p["strategy"]["warmup"], np.log10(p["training"]["learning_rate"] / 1e-4) / 2]
        for p in design(SPACE, 16, "a")
    ]
    random = np.random.default_rng(0)
    chance = [qmc.discrepancy(random.random((16, 2))) for _ in range(50)]
    assert qmc.discrepancy(np.array(points)) < min(chance)


def test_expected_best_is_the_mean_over_all_draws() -> None:
    """All n^k ordered draws with replacement, enumerated."""
    scores = [0.3, 0.1, 0.4, 0.1]
    for k, value in enumerate(expected_best(scores), 1):
        draws = [max(draw) for draw in itertools.product(scores, repeat=k)]
        assert value == pytest.approx(np.mean(draws))


def test_expected_best_of_one_is_the_mean_and_never_falls() -> None:
    scores = np.random.default_rng(0).normal(size=12)
    curve = expected_best(list(scores))
    assert curve[0] == pytest.approx(scores.mean())
    assert (np.diff(curve) > 0).all()
    assert curve[-1] <= scores.max()


def cell(root: Path, trial: int, seed: int, score: float | None, reason: str | None = None) -> Path:
    folder = root / f"trial-{trial}/cells/d/m/s/seed-{seed}"
    selected = None if score is None else {"validation_elbo": score}
    cost = {"last": {"updates": 10}, "seconds": 2.0}
    write_json(folder / "training.json", {"selected": selected, "reason": reason, **cost})
    return folder


def run_choice(tmp_path: Path, scores: list[list[float | None]]) -> dict[str, Any]:
    settings = [{"strategy": {"cap": float(n)}} for n in range(len(scores))]
    cells = [
        [
            cell(tmp_path, n, 7 + s, score, None if score is not None else "it diverged")
            for s, score in enumerate(seeds)
        ]
        for n, seeds in enumerate(scores)
    ]
    return choose(settings, [Tried(cells)], "elbo")


def test_the_best_mean_over_seeds_is_chosen(tmp_path: Path) -> None:
    found = run_choice(tmp_path, [[-9.0, -5.0], [-6.0, -6.5], [-1.0, None]])
    assert (found["trial"], found["score"]) == (1, -6.25)
    assert found["chosen"] == {"strategy": {"cap": 1.0}}
    assert [trial["score"] for trial in found["trials"]] == [-7.0, -6.25, None]
    assert found["trials"][2]["reason"] == "it diverged"
    assert found["budget"] == {"trials": 3, "failed": 1, "updates": 60, "seconds": 12.0}
    assert found["seeds"] == [7, 8]
    assert (found["dataset"], found["model"], found["strategy"]) == ("d", "m", "s")
    json.dumps(found, allow_nan=False)


def test_of_equal_trials_the_first_is_chosen(tmp_path: Path) -> None:
    assert run_choice(tmp_path, [[-3.0], [-2.0], [-2.0]])["trial"] == 1


def test_without_a_finished_trial_the_final_cell_is_blocked(tmp_path: Path) -> None:
    found = run_choice(tmp_path, [[None], [None]])
    assert found["chosen"] is None
    assert found["score"] is None
    write_json(tmp_path / "choice.json", found)
    with pytest.raises(Diverged, match="none of the 2 trials"):
        chosen({"strategy": {}}, tmp_path / "choice.json")


def test_a_choice_overrules_its_options_alone(tmp_path: Path) -> None:
    spec = {
        "seed": 3,
        "strategy": {"name": "s", "cap": 1.0, "start": 0.5},
        "training": {"epochs": 9},
    }
    assert chosen(spec, None) == spec
    write_json(
        tmp_path / "choice.json",
        {"chosen": {"strategy": {"cap": 0.2}, "training": {"learning_rate": 0.1}}, "trials": []},
    )
    assert chosen(spec, tmp_path / "choice.json") == {
        "seed": 3,
        "strategy": {"name": "s", "cap": 0.2, "start": 0.5},
        "training": {"epochs": 9, "learning_rate": 0.1},
    }
    assert spec["strategy"]["cap"] == 1.0, "the given one stays as it is"  # type: ignore[index]
    assert merged(spec, None) == spec


def test_a_trial_that_diverged_after_a_good_epoch_is_not_chosen(tmp_path: Path) -> None:
    settings = [{"strategy": {"cap": 1.0}}, {"strategy": {"cap": 2.0}}]
    cells = [[cell(tmp_path, 0, 7, -1.0, "it diverged")], [cell(tmp_path, 1, 7, -5.0)]]
    found = choose(settings, [Tried(cells)], "elbo")
    assert found["trial"] == 1
    assert found["trials"][0]["score"] is None


BETAS = [{"strategy": {"cap": float(n)}} for n in range(4)]


def rung(
    root: Path, number: int, scores: list[float | None], places: list[int | None] | None = None
) -> Tried:
    """A rung that was run; ``places`` of a later one: its trials, None where nobody stands."""
    file = None
    if places is not None:
        file = root / f"rung-{number}.json"
        held = [None if each is None else {"trial": each} for each in places]
        write_json(file, {"places": held})
    cells = [
        [cell(root / f"rung-{number}", place, 7, score, None if score else "it diverged")]
        for place, score in enumerate(scores)
    ]
    return Tried(cells, file, number)


def test_the_best_go_on_ties_by_the_design_and_what_failed_stays_behind(tmp_path: Path) -> None:
    first = rung(tmp_path, 1, [-3.0, None, -2.0, -2.0])
    found = promote(BETAS, first, 2, "elbo")
    assert [(each["trial"], each["before"]) for each in found["places"]] == [(2, 2), (3, 3)]
    assert found["places"][0]["settings"] == BETAS[2]
    assert [each["trial"] for each in found["ranked"]] == [2, 3, 0]
    four = promote(BETAS, first, 4, "elbo")["places"]
    assert four[3] is None, "three finished"
    json.dumps(four, allow_nan=False)


def test_a_later_rung_promotes_by_its_own_scores(tmp_path: Path) -> None:
    """The first place was the best of the rung before, and is not any more."""
    second = rung(tmp_path, 2, [-2.5, -1.0, -2.5], [3, 0, 2])
    found = promote(BETAS, second, 3, "elbo")["places"]
    assert [(each["trial"], each["before"]) for each in found] == [(0, 1), (2, 2), (3, 0)]


def test_the_choice_is_made_where_the_trials_got_furthest(tmp_path: Path) -> None:
    """A good score of a short training is no match for one of a longer training."""
    rungs = [
        rung(tmp_path, 1, [-9.0, -1.0, -2.0, -8.0]),
        rung(tmp_path, 2, [-4.0, -3.0], [1, 2]),
        rung(tmp_path, 3, [-2.9], [2]),
    ]
    found = choose(BETAS, rungs, "elbo")
    assert (found["trial"], found["score"]) == (2, -2.9)
    assert [trial["rung"] for trial in found["trials"]] == [1, 2, 3, 1]
    assert [trial["number"] for trial in found["trials"]] == [0, 1, 2, 3]
    assert found["trials"][2]["scores"] == [-2.0, -3.0, -2.9]
    assert found["rungs"] == [
        {"trials": 4, "until": 1}, {"trials": 2, "until": 2}, {"trials": 1, "until": 3}
    ]  # fmt: skip
    assert found["budget"] == {"trials": 4, "failed": 0, "updates": 40, "seconds": 14.0}


def test_where_the_last_rung_failed_the_one_before_decides(tmp_path: Path) -> None:
    rungs = [
        rung(tmp_path, 1, [-9.0, -1.0, -2.0, -8.0]),
        rung(tmp_path, 2, [-4.0, -3.0], [1, 2]),
        rung(tmp_path, 3, [None], [2]),
    ]
    found = choose(BETAS, rungs, "elbo")
    assert (found["trial"], found["score"]) == (1, -4.0)
    assert found["budget"]["failed"] == 1
    assert found["trials"][2]["reason"] == "it diverged"


def test_an_empty_place_is_no_trial(tmp_path: Path) -> None:
    first = rung(tmp_path, 1, [None, None, -2.0, None])
    second = rung(tmp_path, 2, [-1.5, None], [2, None])
    found = choose(BETAS, [first, second], "elbo")
    assert (found["trial"], found["budget"]["failed"]) == (2, 3)
    write_json(tmp_path / "places.json", promote(BETAS, first, 2, "elbo"))
    assert chosen({"strategy": {}}, tmp_path / "places.json", 0)["strategy"] == {"cap": 2.0}
    with pytest.raises(Diverged, match="place 1 is empty: too few trials"):
        chosen({"strategy": {}}, tmp_path / "places.json", 1)
