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
