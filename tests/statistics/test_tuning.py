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
from vaebench.statistics.tuning import Tried, choose, expected_best
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
