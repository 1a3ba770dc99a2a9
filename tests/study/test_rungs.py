"""Rungs and fair shares: how many jobs and epochs a study plans, which options, what is refused."""

from pathlib import Path
from typing import Any

import pytest

from tests.study.test_trials import folder, study
from vaebench.cells.folder import CellFolder
from vaebench.cells.rung import mark_of
from vaebench.errors import ConfigError
from vaebench.search import WEIGHT
from vaebench.sharing.container import most_bytes
from vaebench.study.plan import Plan
from vaebench.study.trials import Trials
from vaebench.study.tuning import Rungs, Tuning

HALVING = {"training": ["1/9", "1/3", 1], "trials": [1, "1/3", "1/9"]}
FAIR: dict[str, Any] = {
    "trials_per_option": 9,
    "options": {"linear": ["cap", "start"], "ials": ["l2"]},
    "space": {"linear": {"start": {"low": 0, "high": 0.005}}},
    "fixed": ["published", "later"],
    "rungs": HALVING,
    "training": {"epochs": 27},
}


def test_nine_three_one_cost_two_and_a_third_trainings() -> None:
    """9/9 + 3 · 2/9 + 1 · 6/9 of 27 epochs; a baseline is fitted whole, a control tuned alike."""
    trials = Trials(study(FAIR))
    assert trials.cost("planted/mult-vae/constant") == [(9, 3), (3, 6), (1, 18)]
    assert trials.cost("planted/mult-vae/linear") == [(18, 3), (6, 6), (2, 18)], "two options"
    assert trials.cost("planted/ials/none") == [(9, 0)]
    assert sum(n * e for n, e in trials.cost("planted/mult-vae/constant")) == 27 * 21 // 9
    ends = [rung.until for rung in trials.groups["planted/mult-vae/constant"].rungs]
    assert ends == [3, 9, 27]
    jobs = [cell.folder for cell in trials.all_cells()]
    assert len(jobs) == len({job.path for job in jobs}) == 13 + 26 + 13 + 2 * 9


def test_without_rungs_every_trial_is_trained_whole() -> None:
    trials = Trials(study({"trials": 5, "fixed": ["published"]}))
    assert trials.cost("planted/mult-vae/constant") == [(5, 20)]
    assert trials.groups["planted/mult-vae/constant"].rungs[0].until is None


def test_a_rung_rounds_half_up_and_is_never_empty() -> None:
    rungs = Rungs(**HALVING)
    assert rungs.until(40) == [4, 13, 40]
    assert rungs.until(9) == [1, 3, 9]
    assert Rungs(training=[0.25, 1], trials=[1, 0.01]).until(10) == [3, 10]
    assert [rungs.places(n) for n in (18, 9, 8, 1)] == [[18, 6, 2], [9, 3, 1], [8, 3, 1], [1, 1, 1]]
    whole = Rungs().until(36)
    steps = zip(Rungs().places(9), whole, [0, *whole], strict=False)
    assert sum(n * (end - begin) for n, end, begin in steps) / 36 == pytest.approx(29 / 9)


def test_one_option_has_the_first_points_of_two() -> None:
    groups = Trials(study(FAIR)).groups
    one = [t["strategy"]["beta"] for t in groups["planted/mult-vae/constant"].trials]
    two = [t["strategy"]["cap"] for t in groups["planted/mult-vae/linear"].trials]
    assert two[:9] == one
    assert all(WEIGHT.low <= value <= WEIGHT.high for value in two)
    digits = [t["strategy"]["beta"] for t in groups["digits/mlp-vae/constant"].trials]
    assert digits != one, "another data set, another design"


def test_options_that_are_not_named_keep_their_defaults() -> None:
    trials = Trials(study(FAIR))
    assert list(trials.groups["planted/ials/none"].space) == ["model.l2"]
    (point, *_) = trials.groups["planted/ials/none"].trials
    assert set(point["model"]) == {"l2"}


def test_a_place_goes_on_from_any_state_of_the_rung_before() -> None:
    trials = Trials(study(FAIR | {"seeds": [1000, 1001]}))
    second = trials.cells("planted/mult-vae/constant", 2)
    assert [len(seeds) for seeds in second] == [2, 2, 2]
    place = second[1][1]
    first = trials.cells("planted/mult-vae/constant", 1)
    assert trials.states(place) == [str(seeds[1].state) for seeds in first]
    (choice,) = trials.choice_of(trials.cell(place))
    assert choice.endswith("tuning/rung-2/places/planted/mult-vae/constant.json")
    spec = trials.cell(place).spec
    assert (spec["seed"], spec["training"]["epochs"]) == (1001, 27), "schedules keep T"
    assert "beta" not in spec["strategy"], "it is that of the trial which has the place"


def test_a_control_is_tuned_beside_its_published_setting() -> None:
    plan = study(FAIR | {"options": {**FAIR["options"], "linear": ["cap"]}}, control="linear")
    trials = Trials(plan)
    assert list(trials.groups["planted/mult-vae/linear"].space) == ["strategy.cap"]
    assert "planted/mult-vae/published" not in trials.groups


def replicated(tuning: dict[str, Any], vary: list[str] | None = None) -> Trials:
    given = {"number": 3} | ({"vary": vary} if vary else {})
    config = study(None).study.model_dump() | {"seeds": None, "replicates": given}
    return Trials(Plan(config | {"tuning": tuning}))


def test_each_replicate_has_a_design_and_a_seed_and_all_strategies_share_them() -> None:
    trials = replicated(FAIR)
    key = "planted/mult-vae/{}/seed-{}"
    constant, linear = [
        [trials.groups[key.format(name, r)] for r in range(3)] for name in ("constant", "linear")
    ]
    betas = [[t["strategy"]["beta"] for t in group.trials] for group in constant]
    assert len({tuple(each) for each in betas}) == 3
    for each, other in zip(betas, linear, strict=True):
        assert each == [t["strategy"]["cap"] for t in other.trials[:9]]
    folders = [trials.cells(key.format("constant", r))[0] for r in range(3)]
    assert [[f.seed for f in seeds] for seeds in folders] == [[0], [1], [2]]
    cells = [trials.cell(seeds[0]) for seeds in folders]
    assert [cell.spec["seed"] for cell in cells] == [1000, 1001, 1002]
    assert len({trials.plan.card(cell) for cell in cells}) == 3, "a split of its own"
    final = trials.plan.cells[key.format("constant", 2)]
    assert trials.choice_of(final) == [str(trials.folder / f"{final.path}.json")]
    assert f"{'planted/ease/none'}/seed-2" in trials.groups, "a baseline has another split"


def test_what_replicates_do_not_vary_is_that_of_the_first() -> None:
    groups = replicated(FAIR, ["split", "final"]).groups
    first, last = [groups[f"planted/mult-vae/constant/seed-{r}"] for r in (0, 2)]
    assert first.trials == last.trials
    assert (first.seeds, last.seeds) == ({0: 1000}, {2: 1000})


WRONG: dict[str, tuple[dict[str, Any], list[str]]] = {
    "shares that fall": (
        {"rungs": {"training": ["1/3", "1/9", 1], "trials": [1, 1, 1]}},
        ["tuning.rungs.training", "should rise to 1"],
    ),
    "a last rung that is not whole": (
        {"rungs": {"training": ["1/9", "1/3"], "trials": [1, "1/3"]}},
        ["tuning.rungs.training", "rise to 1"],
    ),
    "trials that come back": (
        {"rungs": {"training": ["1/9", "1/3", 1], "trials": [1, "1/9", "1/3"]}},
        ["tuning.rungs.trials", "begin with 1 and not rise"],
    ),
    "no share": (
        {"rungs": {"training": ["1/0", 1], "trials": [1, 1]}},
        ["tuning.rungs.training.0", "1/0", "a share in (0, 1]"],
    ),
    "another number of rungs": (
        {"rungs": {"training": ["1/9", 1]}},
        ["tuning.rungs", "as many shares of training as of trials"],
    ),
    "too few epochs": (
        {"training": {"epochs": 3}},
        ["tuning.rungs", "planted/mult-vae/constant", "epochs 1, 1, 3", "fewer rungs"],
    ),
    "tuned epochs": (
        {"shared": {"training.epochs": {"low": 9, "high": 20, "whole": True}}},
        ["tuning.shared.training.epochs", "the same epochs"],
    ),
    "both numbers": ({"trials": 9}, ["tuning.trials, tuning.trials_per_option", "one of them"]),
    "too many options": (
        {
            "options": {"ials": ["l2"]},
            "space": {"linear": {n: {"low": 1, "high": 2} for n in ("start", "updates_per_unit")}},
        },
        ["tuning.options.linear: missing", "3 free options", "one or 2"],
    ),
    "three options": (
        {"options": {"ials": ["l2", "alpha", "iterations"]}},
        ["tuning.options.ials"],
    ),
    "an option that is written down": (
        {"options": {"linear": ["warmup"], "ials": ["l2"]}},
        ["tuning.options.linear", "'warmup'", "allowed: cap, start"],
    ),
    "an option of nobody": ({"options": {"lniear": ["cap"]}}, ["'lniear' is not defined"]),
    "tuned and fixed": (
        {"options": {"published": ["cap"], "ials": ["l2"]}},
        ["tuning.options.published", "fixed, too"],
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_rungs_and_options(case: str) -> None:
    changes, words = WRONG[case]
    with pytest.raises(ConfigError) as found:
        Trials(study(FAIR | changes))
    assert "\n" not in str(found.value)
    for word in words:
        assert word in str(found.value)


def test_a_seed_of_a_replicates_trial_that_is_a_final_one_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"tuning\.seeds: 0 is a seed of the final runs"):
        replicated(FAIR | {"seeds": [0]})


def test_a_place_that_is_not_planned_is_refused() -> None:
    trials = Trials(study(FAIR))
    (last,) = trials.cells("planted/mult-vae/constant", 3)
    with pytest.raises(ConfigError, match=r"place 1 of rung 3 of planted/mult-vae/constant is not"):
        trials.cell(folder(trials.plan, "mult-vae/constant", 1000, 1, 3))
    with pytest.raises(ConfigError, match=r"place 0 of rung 4"):
        trials.cell(folder(trials.plan, "mult-vae/constant", 1000, 0, 4))
    assert trials.cell(last[0]).folder.place == 0


def test_a_stage_as_written_is_read_back_the_same() -> None:
    written = Tuning(trials_per_option=9, rungs=Rungs())
    assert Tuning(**written.model_dump()) == written


@pytest.mark.parametrize("root", [".", "results/small", "/a/tuning/b"])
@pytest.mark.parametrize(("trial", "rung"), [(None, 1), (3, 1), (0, 2), (11, 3)])
def test_a_folder_says_whose_it_is(root: str, trial: int | None, rung: int) -> None:
    made = CellFolder(Path(root), "d", "m", "s", 7, trial, rung)
    assert CellFolder.parse(made.path) == made
    assert made.place == (trial if rung > 1 else None)
    assert made.log().is_relative_to(Path(root) / "logs")
    known = most_bytes(str(made.file("training.json").relative_to(root)))
    assert known is not None, "an archive packs it"
    assert most_bytes(str(made.state.relative_to(root))) is None, "and no state"


def test_what_one_training_is_has_one_mark_whoever_found_its_options() -> None:
    """A trial knows its options from the plan, a place from the rung before."""
    spec, same = {"strategy": {"cap": 1.0}}, {"code": "c", "card": "d"}
    trial = mark_of(spec, {**same, "spec": "with the point", "found": [], "until": 1})
    place = mark_of(spec, {**same, "spec": "without", "found": ["place 0"], "until": 2})
    assert trial == place
    assert trial != mark_of(spec, {**same, "code": "another"})
    assert trial != mark_of({"strategy": {"cap": 2.0}}, same)
