"""Published numbers: the file is sound, the right cells are compared, a miss is said."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from benchmarks.aggregation import write_cell
from vaebench.cells.baseline import resolve as resolve_baseline
from vaebench.cells.folder import NONE
from vaebench.cells.vae import resolve as resolve_cell
from vaebench.components import find
from vaebench.files import write_json
from vaebench.report import published
from vaebench.report.published import Published, body, compare, has, load, markdown, warnings
from vaebench.study.plan import Plan

ROOT = Path(__file__).parents[2]


def test_the_file_names_what_it_defines() -> None:
    data = load()
    for entry in data.results:
        assert entry.split in data.splits
        assert entry.source in data.sources
        assert entry.ours is None or entry.ours in data.ours
        for value, error in entry.metrics.values():
            assert 0 < value < 1
            assert error is None or 0 < error < 0.01
    keys = [(entry.split, entry.method, entry.source) for entry in data.results]
    assert len(set(keys)) == len(keys)


def test_every_named_class_is_there() -> None:
    data = load()
    homes = {
        "model": ("vaebench.models", "vaebench.baselines"),
        "strategy": ("vaebench.strategies",),
    }
    for options in data.splits.values():
        find("vaebench.datasets", options["class"])
    for cells in data.ours.values():
        for role, options in cells.items():
            if role != "training":
                homes_of_it = [home for home in homes[role] if _is_in(home, options["class"])]
                assert homes_of_it, options["class"]


def _is_in(home: str, path: str) -> bool:
    try:
        find(home, path)
    except Exception:  # noqa: BLE001
        return False
    return True


def test_has_looks_at_every_depth() -> None:
    given = {"a": 1, "b": {"c": 2.0, "d": [1]}, "e": None}
    assert has(given, {"b": {"c": 2}})
    assert has(given, {"a": 1, "b": {"d": [1]}})
    assert not has(given, {"b": {"c": 2, "f": 1}})
    assert not has(given, {"a": {"x": 1}})
    assert not has(given, {"f": None})


STUDIES = ["ml-1m", "paper", "reproduce-ml-20m", "reproduce-netflix", "reproduce-msd"]


@pytest.mark.parametrize("study", STUDIES)
def test_the_splits_are_those_of_the_studies(study: str) -> None:
    """What a study of the project resolves to is what the numbers were published on."""
    plan = Plan(yaml.safe_load((ROOT / f"configs/{study}.yaml").read_text(encoding="utf-8")))
    for name in plan.datasets_used:
        assert has(plan.dataset_options(name), load().splits[name])


@pytest.mark.parametrize("study", [name for name in STUDIES if name.startswith("reproduce")])
def test_every_cell_of_a_reproduction_has_its_published_number(study: str) -> None:
    plan = Plan(yaml.safe_load((ROOT / f"configs/{study}.yaml").read_text(encoding="utf-8")))
    (dataset,) = plan.datasets_used
    compared = {e.ours for e in load().results if e.split == dataset and e.base and e.ours}
    for path, cell in plan.cells.items():
        resolve = resolve_baseline if cell.strategy == NONE else resolve_cell
        resolved = resolve(cell.spec)
        assert any(has(resolved, load().ours[name]) for name in compared), path


SPLIT = {"class": "movielens.MovieLens", "release": "ml-1m"}
ONE = Published(
    sources={"here": {"title": "A paper", "url": "https://example.org"}},
    splits={"a": SPLIT},
    ours={"linear": {"model": {"class": "m"}, "strategy": {"cap": 0.2}}},
    results=[
        {
            "split": "a",
            "method": "M",
            "source": "here",
            "ours": "linear",
            "base": True,
            "metrics": {"ndcg@100": (0.5, 0.05), "recall@20": (0.3, None)},
        },
        {
            "split": "a",
            "method": "N",
            "source": "here",
            "checked": False,
            "metrics": {"ndcg@100": (0.6, None)},
        },
    ],
)


def cell(root: Path, name: str, cap: float, ndcg: list[float], status: str = "done") -> Path:
    folder = root / name
    folder.mkdir(parents=True)
    config: dict[str, Any] = {"model": {"class": "m"}, "strategy": {"class": "s", "cap": cap}}
    write_json(folder / "config.json", config)
    values = np.array(ndcg)
    write_cell(folder, {"ndcg@100": values, "recall@20": values} if len(values) else {}, status)
    return folder


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    """Two seeds that match, one cell with another cap, one that failed, one on other data."""
    return [
        cell(tmp_path, "cells/x/vae/linear/seed-0", 0.2, [0.2, 0.4, np.nan]),
        cell(tmp_path, "cells/x/vae/linear/seed-1", 0.2, [0.4, 0.6, np.nan]),
        cell(tmp_path, "cells/x/vae/other/seed-0", 0.5, [0.9, 0.9, 0.9]),
        cell(tmp_path, "cells/x/vae/failed/seed-0", 0.2, [], "diverged"),
        cell(tmp_path, "cells/y/vae/linear/seed-0", 0.2, [0.9, 0.9, 0.9]),
    ]


DATASETS = {"x": SPLIT | {"threshold": 4.0}, "y": SPLIT | {"release": "ml-20m"}}


def test_ours_and_the_deviation_by_hand(folders: list[Path]) -> None:
    """Users (.3, .5): mean .4, s.e. .1; published .5 ± .05: two standard errors below."""
    table = compare(folders, DATASETS, ONE)
    assert table[["dataset", "method", "metric"]].to_numpy().tolist() == [
        ["x", "M", "ndcg@100"],
        ["x", "M", "recall@20"],
        ["x", "N", "ndcg@100"],
    ]
    np.testing.assert_allclose(table["ours"].iloc[:2], 0.4)
    np.testing.assert_allclose(table["ours_se"].iloc[:2], 0.1)
    np.testing.assert_allclose(table["deviation"].iloc[:2], [-2.0, 1.0])
    assert table["seeds"].iloc[0] == 2
    assert table["ours"].isna().iloc[2]


def test_a_base_model_that_misses_its_paper_is_said(folders: list[Path]) -> None:
    table = compare(folders, DATASETS, ONE)
    assert warnings(table.assign(deviation=[-2.0, 2.0, np.nan])) == []
    short = warnings(table.assign(deviation=[-2.1, 0.0, np.nan]))
    assert len(short) == 1
    assert "x: vae/linear falls short of the published M by 2.1 standard errors" in short[0]
    assert "exceeds" in warnings(table.assign(deviation=[0.0, 3.0, np.nan]))[0]
    other = table.assign(base=False, deviation=-9.0)
    assert warnings(other) == []


def test_print(folders: list[Path]) -> None:
    table = compare(folders, DATASETS, ONE)
    lines = body(table)
    assert lines[0] == [
        *("M", "NDCG@100", "0.5000", "0.0500", "0.4000", "0.1000", "-2.0 s.e."),
        *("vae/linear, 2 seeds", "here"),
    ]
    assert lines[2][2:8] == ["0.6000*", "–", "–", "–", "–", "–"]
    text = markdown(table.assign(deviation=-3.0), ONE)
    assert "Warning: x: vae/linear falls short" in text
    assert "here: A paper. https://example.org" in text


def test_a_study_on_other_splits_has_nothing_to_compare(folders: list[Path]) -> None:
    table = compare(folders, {"y": DATASETS["y"]}, ONE)
    assert table.empty
    assert "No published numbers" in markdown(table, ONE)
    assert warnings(table) == []
    assert published.load() is load(), "read once"
