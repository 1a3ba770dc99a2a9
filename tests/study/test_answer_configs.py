"""The studies of the answer differ in their data, and in nothing else that decides who wins."""

from pathlib import Path

import pytest

from vaebench.study.keys import Study
from vaebench.study.keys import read as checked
from vaebench.study.plan import Plan
from vaebench.study.trials import Trials
from vaebench.study.written import merged

FOLDER = Path(__file__).parents[2] / "configs/answer"
SHARED = {"interactions": FOLDER / "common.yaml", "pictures": FOLDER / "pictures.yaml"}
PICTURES = {
    *("digits", "frey-face", "caltech-silhouettes"),
    *("binarized-mnist", "fashion-mnist"),  # with what was chosen on Caltech
}
OWN = sorted(path.stem for path in FOLDER.glob("*.yaml") if path not in SHARED.values())


def study(name: str) -> Study:
    kind = "pictures" if name in PICTURES else "interactions"
    return checked(merged([SHARED[kind], FOLDER / f"{name}.yaml"]))


def test_there_are_nine_data_sets_of_interactions_and_pictures() -> None:
    assert len(set(OWN) - PICTURES) == 9
    assert set(OWN) >= PICTURES


@pytest.mark.parametrize("name", OWN)
def test_the_field_and_its_tuning_are_the_same_on_every_data_set(name: str) -> None:
    found, like = study(name), study("digits" if name in PICTURES else "ml-100k")
    assert found.strategies == like.strategies
    assert found.baselines == like.baselines
    assert found.control == like.control
    assert found.replicates == like.replicates
    assert found.tuning is not None
    assert like.tuning is not None
    assert found.tuning.model_copy(update={"space": {}}) == like.tuning.model_copy(
        update={"space": {}}
    )
    for block, other in zip(found.grid, like.grid, strict=False):
        assert block.dataset == name
        assert (block.strategies, block.baselines) == (other.strategies, other.baselines)


@pytest.mark.parametrize("name", ["last-fm", "caltech-silhouettes"])
def test_every_strategy_has_nine_points_for_each_of_two_options_at_most(name: str) -> None:
    kind = "pictures" if name in PICTURES else "interactions"
    plan = Plan(merged([SHARED[kind], FOLDER / f"{name}.yaml"]))
    trials = Trials(plan)
    trials.check()
    for key, group in trials.groups.items():
        options = len(group.space)
        assert options in (1, 2), key
        assert len(group.trials) == 9 * options, key


@pytest.mark.parametrize("name", sorted(set(OWN) - PICTURES))
def test_weights_per_interaction_have_three_decades_as_a_weight_has(name: str) -> None:
    tuning = study(name).tuning
    assert tuning is not None
    for strategy, option in (
        ("user-scaled", "gamma"),
        ("user-scaled-root", "gamma"),
        ("per-interaction", "beta"),
    ):
        spread = tuning.space[strategy][option]
        assert spread.log
        assert spread.high / spread.low == pytest.approx(1_000, rel=0.02)


SENSITIVITY = sorted((FOLDER / "sensitivity").glob("*.yaml"))


@pytest.mark.parametrize("path", SENSITIVITY, ids=lambda path: path.stem)
def test_a_sensitivity_analysis_changes_one_thing_and_registers_nothing(path: Path) -> None:
    """Read after the data set's file; three strategies tuned as there, and the same splits."""
    base = [SHARED["interactions"], FOLDER / "last-fm.yaml"]
    found, like = (Plan(merged([*base, *more])) for more in ([path], []))
    Trials(found).check()
    assert found.study.registration is None
    assert {cell.strategy for cell in found.cells.values()} == {
        *("annealed", "constant", "user-scaled"),
    }
    seeds = [
        plan.split_options(plan.split("last-fm", 2))["split"]["seed"] for plan in (found, like)
    ]
    assert seeds[0] == seeds[1]
    changed = {
        "epochs": found.study.training != like.study.training,
        "width": found.study.models != like.study.models,
        "items": found.study.datasets != like.study.datasets,
    }
    assert sum(changed.values()) == 1, changed


def test_the_sensitivity_of_last_fm_has_three_studies() -> None:
    assert [path.stem.removeprefix("last-fm-") for path in SENSITIVITY] == [
        *("all-items", "longer", "narrow"),
    ]
    longer = Plan(
        merged([SHARED["interactions"], FOLDER / "last-fm.yaml", FOLDER / SENSITIVITY[1]])
    )
    assert longer.study.training["epochs"] == 2 * 40


@pytest.mark.parametrize("name", ["ml-latest-small", "mnist-dynamic"])
def test_a_data_set_outside_has_the_field_of_the_others(name: str) -> None:
    kind, like = ("pictures", "digits") if "mnist" in name else ("interactions", "ml-100k")
    found = checked(merged([SHARED[kind], FOLDER / f"outside/{name}.yaml"]))
    assert found.name == f"answer-{name}"
    assert found.strategies == study(like).strategies
    assert found.control == study(like).control
    assert [block.strategies for block in found.grid] == [
        block.strategies for block in study(like).grid
    ]
    if kind == "interactions":
        plan = Plan(merged([SHARED[kind], FOLDER / f"outside/{name}.yaml"]))
        Trials(plan).check()
