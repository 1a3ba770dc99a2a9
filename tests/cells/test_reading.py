"""Reading cells back: what is missing, what is NaN, what does not fit together."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.aggregation import aggregate, write_cell, write_study
from vaebench.cells.reading import Cells, common, failures, read_frames, splits, truths
from vaebench.errors import DataError
from vaebench.files import write_json

FOUR = np.array([1.0, 2.0, 3.0, 4.0])


def study(tmp_path: Path, cells: dict[str, dict[str, np.ndarray]]) -> Cells:
    """Cells by ``strategy/seed-n`` on one data set and model."""
    folders = []
    for name, columns in cells.items():
        folder = tmp_path / "cells/d/m" / name
        write_cell(folder, columns)
        folders.append(folder)
    return Cells(folders)


def test_values_are_examples_by_seeds(tmp_path: Path) -> None:
    cells = study(tmp_path, {"a/seed-0": {"elbo": FOUR}, "a/seed-7": {"elbo": FOUR + 1}})
    (frame,) = cells.values("d", "m", "elbo").values()
    assert frame.to_numpy().tolist() == np.stack([FOUR, FOUR + 1], axis=1).tolist()
    assert frame.columns.tolist() == [0, 7]
    assert cells.blocks() == [("d", "m")]


def test_users_without_a_value_are_left_out_and_keep_the_others_labels(tmp_path: Path) -> None:
    holes = np.array([np.nan, 2, np.inf, 4])
    cells = study(tmp_path, {"a/seed-0": {"elbo": holes}, "b/seed-0": {"elbo": FOUR}})
    values = cells.values("d", "m", "elbo")
    assert values["a"].index.tolist() == [1, 3]
    assert values["b"].index.tolist() == [0, 1, 2, 3]


def test_a_cell_without_any_value_is_a_missing_cell_and_not_a_missing_strategy(
    tmp_path: Path,
) -> None:
    nothing = np.full(4, np.nan)
    cells = study(
        tmp_path,
        {
            "a/seed-0": {"elbo": FOUR},
            "a/seed-1": {"elbo": nothing},
            "b/seed-0": {"elbo": nothing},
        },
    )
    values = cells.values("d", "m", "elbo")
    assert list(values) == ["a"]
    assert values["a"].columns.tolist() == [0]


def test_a_model_without_a_metric_is_simply_not_in_it(tmp_path: Path) -> None:
    cells = study(tmp_path, {"a/seed-0": {"elbo": FOUR, "rate": FOUR}, "b/seed-0": {"elbo": FOUR}})
    assert list(cells.values("d", "m", "rate")) == ["a"]
    assert cells.values("d", "m", "ndcg@100") == {}
    assert cells.interactions("d", "m") is None


def test_cells_of_different_splits_are_refused_by_name(tmp_path: Path) -> None:
    cells = study(tmp_path, {"a/seed-0": {"elbo": FOUR}, "b/seed-0": {"elbo": FOUR[:3]}})
    with pytest.raises(DataError, match=r"b/seed-0/test.parquet: 3 test examples, but .*a/seed-0"):
        cells.values("d", "m", "elbo")


def test_replicates_have_test_parts_of_their_own(tmp_path: Path) -> None:
    """Of other sizes, too; a hole is a hole of one replicate, and no row is left out."""
    holes = np.array([np.nan, 2, 3])
    written = {"a/seed-0": FOUR, "b/seed-0": FOUR, "a/seed-1": holes, "b/seed-1": FOUR[:3]}
    columns = {
        name: {"elbo": values, "interactions": values * 2} for name, values in written.items()
    }
    cells = Cells(study(tmp_path, columns).folders, {"d": 0.25})
    values = cells.values("d", "m", "elbo")
    assert {frame.attrs["common"] for frame in values.values()} == {0.25}
    assert values["a"][0].tolist() == FOUR.tolist()
    assert values["a"][1].isna().tolist() == [True, False, False, True]
    sizes = cells.interactions("d", "m")
    assert isinstance(sizes, pd.DataFrame)
    assert sizes[0].tolist() == [2, 4, 6, 8]
    wrong = study(tmp_path, {**columns, "b/seed-1": {"elbo": FOUR}})
    with pytest.raises(DataError, match=r"b/seed-1/test.parquet: 4 test examples, but .*a/seed-1"):
        Cells(wrong.folders, {"d": 0.25}).values("d", "m", "elbo")


def test_what_replicates_share_is_read_from_their_cards(tmp_path: Path) -> None:
    """U of N examples; a data set with one split has one test part, whoever drew it."""

    def written(name: str, counts: dict[str, int], best: float, said: str) -> Path:
        path = tmp_path / "data" / name / "card.json"
        path.parent.mkdir(parents=True)
        write_json(path, {"counts": counts, "truth": {"elbo": best}, "drawn_for": said})
        return path

    users = {"users": 40, "test_users": 10, "items": 5}
    pictures = {"train_images": 50, "validation_images": 30, "test_images": 20, "pixels": 4}
    fixed = "every replicate: the split is published and fixed"
    cards = [
        *(written(f"one/replicate-{r}", users, -r, f"replicate {r}") for r in (0, 3)),
        *(written(f"two/replicate-{r}", pictures, 0, f"replicate {r}") for r in (0, 3)),
        written("three", pictures, 0, fixed),
    ]
    assert common(cards) == {"one": 0.25, "two": 0.2}
    assert truths(cards)["one"] == {"elbo": -1.5}
    said = splits(cards).set_index("dataset")["split"].to_dict()
    drawn = "drawn anew in every replicate"
    assert said == {"one": drawn, "two": drawn, "three": "the split is published and fixed"}


def test_what_draws_nothing_stands_for_all_seeds_if_it_has_one(tmp_path: Path) -> None:
    """Of replicates it has a cell each, also where only one has a result."""
    for count, fixed in ((1, {"m"}), (2, set())):
        folders = [tmp_path / f"{count}/cells/d/m/none/seed-{number}" for number in range(count)]
        write_cell(folders[0], {"elbo": FOUR}, deterministic=True)
        assert Cells(folders).fixed("d") == fixed


def test_a_failed_cell_is_in_the_list_and_in_no_value(tmp_path: Path) -> None:
    cells = study(tmp_path, {"a/seed-0": {"elbo": FOUR}})
    failed = tmp_path / "cells/d/m/a/seed-1"
    write_cell(failed, {}, status="diverged", selected=None, last=None, first_batch={})
    both = Cells([*cells.folders, failed])
    assert both.values("d", "m", "elbo")["a"].columns.tolist() == [0]
    assert failures(both.table())["seed"].tolist() == [1]


def test_latents_are_columns_where_a_cell_has_them(tmp_path: Path) -> None:
    folder = tmp_path / "cells/d/m/a/seed-0"
    latents = {"active_units": 3, "collapsed": 1, "mutual_information": 2.0, "examples": 9}
    write_cell(folder, {"elbo": FOUR}, latents=latents)
    other = tmp_path / "cells/d/m/a/seed-1"
    write_cell(other, {"elbo": FOUR})
    table = Cells([folder, other]).table()
    assert table["active_units"][0] == 3
    assert table["active_units"].isna()[1]
    assert table["mutual_information_cap"].isna().all()


def card(folder: Path, seed: int, sha256: str | None = "x") -> Path:
    """A data set's card under a split's seed."""
    protocol = {"seed": seed, "test_users": 4}
    counts = {"users": 9, "items": 9, "interactions": 9}
    facts = {"source": {"name": "u", "sha256": sha256}, "protocol": protocol, "counts": counts}
    folder.mkdir(parents=True)
    write_json(folder / "card.json", facts)
    return folder / "card.json"


def test_sources_name_what_was_drawn_anew(tmp_path: Path) -> None:
    """Two splits of one file are the same data; a stream outside ``vary`` is fixed in all cells."""
    folders = []
    for dataset, vary in (("one", ["weights"]), ("two", [])):
        folder = tmp_path / f"cells/{dataset}/m/s/seed-3"
        write_cell(folder, {"elbo": FOUR})
        component = {"class": "x.X", "name": "anything"}
        training = {"epochs": 1, "vary": vary}
        config = {"model": component, "strategy": component, "training": training}
        write_json(folder / "config.json", config)
        folders.append(folder)
    cards = [card(tmp_path / "data/one", 1), card(tmp_path / "data/two", 2)]
    found = Cells(folders).sources(cards)
    assert len(set(found["data"])) == 1
    assert found["split"].tolist() == ["1", "2"]
    assert found["weights"].tolist() == ["one/m/3", "fixed"]
    assert found["noise"].tolist() == ["fixed", "fixed"]
    assert len(set(found["training"])) == 1
    assert found["value"].tolist() == [2.5, 2.5]


def test_drawn_data_of_two_names_are_two_data_sets(tmp_path: Path) -> None:
    folders = []
    for dataset in ("one", "two"):
        folder = tmp_path / f"cells/{dataset}/m/s/seed-0"
        write_cell(folder, {"elbo": FOUR})
        component = {"class": "x.X", "name": "s"}
        config = {"model": component, "strategy": component, "training": {}}
        write_json(folder / "config.json", config)
        folders.append(folder)
    cards = [card(tmp_path / f"data/{name}", 1, None) for name in ("one", "two")]
    assert Cells(folders).sources(cards)["data"].tolist() == ["one", "two"]
    assert Cells([]).sources(cards).empty


def test_frames_are_read_as_they_were_written(tmp_path: Path) -> None:
    frame = pd.DataFrame({"note": ["", "why"], "p": [0.5, np.nan]})
    frame.to_csv(tmp_path / "results.csv", index=False)
    found = read_frames([tmp_path / "results.csv"])
    assert found["results"]["note"].tolist() == ["", "why"]
    assert found["results"]["p"].isna().tolist() == [False, True]


def test_the_benchmark_of_the_aggregation_runs_in_a_small_size(tmp_path: Path) -> None:
    assert aggregate(write_study(tmp_path, cells=45, users=30)) > 20
