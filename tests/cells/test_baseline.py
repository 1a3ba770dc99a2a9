"""A baseline's cell: the files of every cell, its determinism, and its ends."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import torch

from tests.cells.test_vae import PLANTED, grey_split
from vaebench.baselines.ease import EASE
from vaebench.cells import baseline
from vaebench.cells.baseline import matrix
from vaebench.cells.folder import FILES, TRAINED
from vaebench.cells.reading import Cells, failures
from vaebench.components import create
from vaebench.errors import ConfigError
from vaebench.sparse import SparseRows
from vaebench.study.keys import SHIPPED


def spec(model: dict[str, Any], dataset: str = "planted", seed: int = 3) -> dict[str, Any]:
    return {"study": "test", "dataset": dataset, "model": {"name": "b", **model}, "seed": seed}


def run(spec: dict[str, Any], data: Path, out: Path, *, tested: bool = True) -> dict[str, Any]:
    return baseline.run(spec, data, out, SHIPPED if tested else None)


EASE_SPEC = spec({"class": "ease.EASE", "l2": 20})


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    for name, component in (("planted", PLANTED), ("digits", {"class": "digits.Digits"})):
        dataset = create("vaebench.datasets", component)
        dataset.write_split(None, folder / name, {"name": None, "sha256": None})
    return folder


@pytest.mark.parametrize(
    ("dataset", "model", "metric"),
    [
        ("planted", {"class": "ials.IALS", "factors": 4}, "ndcg@100"),
        ("digits", {"class": "independent_pixels.IndependentPixels"}, "elbo"),
    ],
)
def test_the_files_are_those_of_every_cell(
    dataset: str, model: dict[str, Any], metric: str, data: Path, tmp_path: Path
) -> None:
    result = run(spec(model, dataset), data / dataset, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(FILES)
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert result["status"] == "done"
    assert 0 < abs(summary["selected"][f"validation_{metric}"]) < 100
    test = pd.read_parquet(tmp_path / "test.parquet")
    assert summary["test"][metric] == pytest.approx(np.nanmean(test[metric]))
    assert summary["test_examples"] == len(test)
    assert ("interactions" in test) == (dataset == "planted")
    config = json.loads((tmp_path / "config.json").read_text())
    assert config["strategy"] == {"name": "none"}
    assert pd.read_parquet(tmp_path / "trace.parquet").empty


def test_the_metrics_are_of_the_held_out_items_by_hand(data: Path, tmp_path: Path) -> None:
    """Recall@20 counted with sets, from EASE's own scores."""
    run(EASE_SPEC, data / "planted", tmp_path)
    parts = {
        name: scipy.sparse.csr_matrix(scipy.sparse.load_npz(data / f"planted/{name}.npz"))
        for name in ("train", "test_fold_in", "test_held_out")
    }
    model = EASE(l2=20)
    model.fit(parts["train"], np.random.default_rng(0))
    scores = model.scores(parts["test_fold_in"])
    expected = []
    for user, row in enumerate(scores):
        seen, wanted = (set(parts[f"test_{n}"][user].indices) for n in ("fold_in", "held_out"))
        ranked = [item for item in np.argsort(-row, kind="stable") if item not in seen][:20]
        expected.append(len(wanted & set(ranked)) / min(20, len(wanted)) if wanted else np.nan)
    found = pd.read_parquet(tmp_path / "test.parquet")["recall@20"]
    np.testing.assert_allclose(found, expected)


def test_the_same_cell_twice_gives_the_same_bytes(data: Path, tmp_path: Path) -> None:
    for name in "ab":
        run(spec({"class": "ials.IALS", "factors": 4}), data / "planted", tmp_path / name)
    for file in ("config.json", "test.parquet"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes(), file
    run(spec({"class": "ials.IALS", "factors": 4}, seed=4), data / "planted", tmp_path / "c")
    assert (tmp_path / "a/test.parquet").read_bytes() != (tmp_path / "c/test.parquet").read_bytes()


def test_untested_leaves_the_test_part_closed(data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    for file in (data / "planted").iterdir():
        if not file.name.startswith("test_"):
            (folder / file.name).write_bytes(file.read_bytes())
    result = run(EASE_SPEC, folder, tmp_path / "cell", tested=False)
    assert sorted(path.name for path in (tmp_path / "cell").iterdir()) == sorted(TRAINED)
    assert result["selected"]["validation_ndcg@100"] > 0
    with pytest.raises(Exception, match="test_fold_in"):
        run(EASE_SPEC, folder, tmp_path / "again")


def test_what_does_not_fit_is_said(data: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"b: takes interactions, but digits has images"):
        run(spec({"class": "ease.EASE"}, "digits"), data / "digits", tmp_path)
    with pytest.raises(ConfigError, match=r"b\.factors: 120 is not allowed; .* at most"):
        run(spec({"class": "pure_svd.PureSVD", "factors": 120}), data / "planted", tmp_path)
    assert not list(tmp_path.iterdir())


class Greedy(EASE):
    """Asks for more than any machine has."""

    def fit(self, x: scipy.sparse.csr_matrix, random: np.random.Generator) -> None:
        super().fit(x, random)
        np.empty(1 << 60, np.uint8)


def test_without_memory_a_baseline_fails_alone_with_its_reason(data: Path, tmp_path: Path) -> None:
    greedy = spec({"class": f"{__name__}.Greedy", "l2": 20})
    out = tmp_path / "cells/planted/b/none/seed-3"
    assert run(greedy, data / "planted", out)["status"] == "out of memory"
    assert sorted(path.name for path in out.iterdir()) == sorted(FILES)
    failed = failures(Cells([out]).table())
    assert "Unable to allocate" in failed["reason"].iloc[0]


def test_rows_become_the_matrix_that_they_were() -> None:
    given = scipy.sparse.random(30, 12, 0.2, format="csr", dtype=np.float32, random_state=0)
    rows = SparseRows.from_scipy(given)
    assert (matrix(rows) != given).nnz == 0
    chosen = torch.tensor([4, 0, 29])
    assert (matrix(rows[chosen]) != given[chosen.numpy()]).nnz == 0


def test_pictures_drawn_anew_are_fitted_as_they_are_tested(tmp_path: Path) -> None:
    """Grey training pictures, binary test pictures: a density is fitted to one binary draw."""
    split = grey_split(tmp_path, "dynamic")
    model = {"class": "independent_pixels.IndependentPixels"}
    one, two = (run(spec(model, "grey"), split, tmp_path / name) for name in "ab")
    assert one["status"] == "done"
    assert one["test"] == two["test"]
