"""A study of replicates: which splits there are, what draws them, and what is refused."""

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vaebench.cells.folder import SplitFolder, card_among
from vaebench.datasets import jobs
from vaebench.datasets.caltech_silhouettes import DIGEST, PARTED
from vaebench.errors import ConfigError, DataError
from vaebench.files import digest, read_json, write_json
from vaebench.study.check import check
from vaebench.study.keys import read
from vaebench.study.plan import Plan

STUDY: dict[str, Any] = {
    "name": "replicated",
    "replicates": 3,
    "control": "constant",
    "training": {"epochs": 1, "batch_size": 100},
    "datasets": {
        "planted": {
            "class": "planted.Planted",
            "users": 200,
            "items": 110,
            "mean_interactions": 15,
            "importance_samples": 2,
            "split": {"min_items_per_user": 0, "validation_users": 40, "test_users": 50, "seed": 7},
        },
        "digits": {"class": "digits.Digits"},
        "mnist": {"class": "binarized_mnist.BinarizedMNIST"},
    },
    "models": {
        "mult-vae": {"class": "mult_vae.MultVAE", "hidden": 8, "latents": 4},
        "mlp": {"class": "bernoulli_mlp.BernoulliMLP", "hidden": [8], "latents": 4},
    },
    "strategies": {
        "constant": {"class": "constant.Constant"},
        "low": {"class": "constant.Constant", "beta": 0.1},
    },
    "baselines": {
        "popularity": {"class": "popularity.Popularity"},
        "pca": {"class": "pca.PCA"},
    },
    "grid": [
        {
            "dataset": "planted",
            "model": "mult-vae",
            "strategies": ["constant", "low"],
            "baselines": ["popularity"],
        },
        {"dataset": "digits", "model": "mlp", "strategies": ["constant"], "replicates": 2},
        {"dataset": "mnist", "model": "mlp", "strategies": ["constant"], "baselines": ["pca"]},
    ],
}


def plan(folder: Path | str = "results", **changes: Any) -> Plan:
    return Plan(copy.deepcopy(STUDY) | changes | {"results": str(folder)})


def of_seeds(folder: Path | str = "results") -> Plan:
    """The same study with seeds in the replicates' place."""
    grid = [{key: block[key] for key in block if key != "replicates"} for block in STUDY["grid"]]
    return plan(folder, replicates=None, seeds=3, grid=grid)


def splits(made: Plan) -> list[str]:
    return [split.key for split in made.splits()]


def made(study: Plan, split: SplitFolder) -> Path:
    """The split as its job makes it."""
    write_json(split.receipt, {"path": None, "name": None, "sha256": None})
    split.path.mkdir(parents=True, exist_ok=True)
    jobs.split(study.split_options(split), split.receipt, split.path, study.drawn_for(split))
    return split.path


def test_each_replicate_has_its_split_and_a_published_one_is_that_of_all() -> None:
    """Also of a block that needs two of three; a cell's card is that of its replicate."""
    study = plan()
    drawn = [f"planted/replicate-{r}" for r in range(3)]
    assert splits(study) == [*drawn, "digits/replicate-0", "digits/replicate-1", "mnist"]
    cards = {path: study.card(cell) for path, cell in study.cells.items()}
    home = Path("results/replicated/data")
    assert cards["planted/mult-vae/low/seed-2"] == home / "planted/replicate-2/card.json"
    assert cards["mnist/mlp/constant/seed-2"] == home / "mnist/card.json"
    assert splits(of_seeds()) == ["planted", "digits", "mnist"]


def test_what_draws_nothing_has_a_cell_for_each_split() -> None:
    """One is enough where all replicates have the same split; tuning may choose otherwise."""
    numbers = [path.rpartition("-")[2] for path in plan().cells if "popularity" in path]
    assert numbers == ["0", "1", "2"]
    assert [path for path in plan().cells if "pca" in path] == ["mnist/pca/none/seed-0"]
    tuned = plan(tuning={"trials": 2})
    assert len([path for path in tuned.cells if "pca" in path]) == 3
    seeds = of_seeds()
    assert len([path for path in seeds.cells if "popularity" in path]) == 1


def test_a_source_that_is_not_varied_is_that_of_replicate_0() -> None:
    """Whatever the numbers of the replicates are, so that a study can grow."""
    study = plan(replicates={"number": [2, 5], "vary": ["final"]})
    assert splits(study) == ["planted/replicate-0", "digits/replicate-0", "mnist"]
    spec = study.cells["planted/mult-vae/low/seed-5"].spec
    assert (spec["seed"], spec["replicate"]) == (5, 5)
    study = plan(replicates={"number": [2, 5], "vary": ["split"]})
    assert splits(study)[:2] == ["planted/replicate-2", "planted/replicate-5"]
    spec = study.cells["planted/mult-vae/low/seed-5"].spec
    assert (spec["seed"], spec["replicate"]) == (0, 5)
    assert [study.drawn(source, 5) for source in ("split", "design", "trials", "final")] == [
        *(5, 0, 0, 0)
    ]


def test_splits_differ_are_the_same_again_and_never_the_configured_one(tmp_path: Path) -> None:
    """Test users of three replicates and of the published split; the data are the same."""
    study = plan(tmp_path)
    replicates = [split for split in study.splits() if split.dataset == "planted"]
    found = [made(study, split) for split in replicates]
    published = SplitFolder(study.folder, "planted")
    found.append(made(study, published))
    users = [np.loadtxt(folder / "test_users.txt", dtype=int) for folder in found]
    for one in range(4):
        for two in range(one):
            both = len(np.intersect1d(users[one], users[two]))
            assert 0 < both < 30  # 50 of 200 drawn twice: 12.5 are expected
    whole = [read_json(folder / "card.json")["counts"]["interactions"] for folder in found]
    assert len(set(whole)) == 1
    seeds = [read_json(folder / "card.json")["protocol"]["seed"] for folder in found]
    assert len(set(seeds)) == 4
    assert seeds[-1] == 7
    before = {path.name: digest(path) for path in found[1].iterdir()}
    assert {path.name: digest(path) for path in made(study, replicates[1]).iterdir()} == before
    assert read_json(found[1] / "card.json")["drawn_for"] == "replicate 1"


def test_the_card_says_whose_split_it_is(tmp_path: Path) -> None:
    """In a study of seeds it is what it always was."""
    study = plan(tmp_path)
    said = {split.key: study.drawn_for(split) for split in study.splits()}
    assert said["digits/replicate-1"] == "replicate 1"
    assert said["mnist"] == "every replicate: the split is published and fixed"
    fixed = plan(tmp_path, replicates={"number": 2, "vary": ["final"]})
    assert fixed.drawn_for(fixed.splits()[0]) == "every replicate: the study does not vary it"
    seeds = of_seeds(tmp_path / "seeds")
    assert "drawn_for" not in read_json(made(seeds, seeds.splits()[1]) / "card.json")


def test_a_given_or_temporal_split_is_fixed_and_a_drawn_one_is_not() -> None:
    table = {"class": "ratings_table.RatingsTable", "path": "x.csv", "user": "u", "item": "i"}
    kinds = {
        "strong": {},
        "temporal": {"time": "t", "split": {"kind": "temporal"}},
        "given": {"split": {"kind": "given", "column": "part"}},
    }
    datasets = {name: table | more for name, more in kinds.items()}
    arrays = {"class": "image_array.ImageArray", "path": "x.npz"}
    datasets |= {
        "drawn": arrays | {"validation": 5, "test": 5},
        "parts": arrays | {"parts": {"train": "a", "test": "b"}, "validation": 5},
        "fashion": {"class": "mnist.FashionMNIST"},
    }
    study = plan(datasets=STUDY["datasets"] | datasets)
    fixed = [name for name in datasets if study.split(name, 1).replicate is None]
    assert fixed == ["temporal", "given", "parts", "fashion"]


def test_a_file_with_published_parts_is_refused_where_replicates_draw_theirs(
    tmp_path: Path,
) -> None:
    """Three replicates would have one split and not say so."""
    raw = tmp_path / PARTED
    raw.write_bytes(b"parts")
    receipt = {"path": str(raw), "name": raw.name, "sha256": digest(raw)}
    write_json(tmp_path / "raw.json", receipt)
    spec = {"class": "caltech_silhouettes.CaltechSilhouettes"}
    with pytest.raises(DataError, match=r"published parts.*allowed: caltech101_silhouettes_28.mat"):
        jobs.split(spec, tmp_path / "raw.json", tmp_path, "replicate 1")
    assert DIGEST  # the whole file is known


def test_the_card_of_a_cell_is_found_among_all() -> None:
    cards = ["a/data/one/card.json"]
    cards += [f"a/data/two/replicate-{r}/card.json" for r in (0, 1)]
    assert card_among(cards, "one", 4) == Path(cards[0])
    assert card_among(cards, "two", 1) == Path(cards[2])
    assert card_among(cards, "two", 2) is None
    assert card_among(cards, "three", 0) is None
    assert SplitFolder.parse(cards[1]) == SplitFolder(Path("a"), "two", 0)


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "both": ({"seeds": 3}, "seeds, replicates: both are given; allowed: one of them"),
    "neither": ({"replicates": None}, "seeds, replicates: neither is given; allowed: one"),
    "one": ({"replicates": 1}, "replicates: 1 is not allowed; it should be a number ≥ 2"),
    "one in a list": ({"replicates": [4]}, r"replicates: \[4\] is not allowed"),
    "twice": ({"replicates": [4, 4]}, r"replicates: \[4, 4\] is not allowed"),
    "negative": ({"replicates": [-1, 4]}, r"replicates: \[-1, 4\] is not allowed"),
    "a text": ({"replicates": "many"}, "replicates: 'many' is not allowed"),
    "a key": ({"replicates": {"numbers": 3}}, "replicates"),
    "a source": (
        {"replicates": {"number": 3, "vary": ["weights"]}},
        "replicates.vary.0: 'weights' is not allowed; it should be 'split', 'design', 'trials' or",
    ),
    "nothing": ({"replicates": {"number": 3, "vary": []}}, r"replicates.vary: \[\] is not"),
    "the tuning of a study without tuning": (
        {"replicates": {"number": 3, "vary": ["design", "trials"]}},
        "replicates.vary: design, trials: the study has no tuning, so that nothing varies",
    ),
    "a data set's name": (
        {"datasets": STUDY["datasets"] | {"replicate-1": STUDY["datasets"]["digits"]}},
        "datasets.replicate-1: replicates have this name; allowed: another name",
    ),
    "a block's seeds": (
        {"grid": [STUDY["grid"][0] | {"seeds": 2}]},
        "grid.0.seeds: the study has replicates; allowed: replicates",
    ),
    "replicates of seeds": (
        {"replicates": None, "seeds": 2, "grid": [STUDY["grid"][1]]},
        "grid.0.replicates: the study has seeds; allowed: seeds",
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_cannot_be_is_one_sentence(wrong: str) -> None:
    changes, sentence = WRONG[wrong]
    with pytest.raises(ConfigError, match=f"^{sentence}"):
        plan(**changes)


def test_a_written_study_is_read_again() -> None:
    """Short and long forms say the same."""
    study = read(STUDY)
    assert read(study.model_dump()) == study
    assert read(STUDY | {"replicates": {"number": 3}}) == study
    check(
        plan(
            grid=STUDY["grid"][:2],
            datasets={k: STUDY["datasets"][k] for k in ("planted", "digits")},
        )
    )
