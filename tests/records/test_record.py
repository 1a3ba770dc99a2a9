"""A study's record: what stands in it, the same bytes again, and what a forger cannot agree."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest
from scipy import sparse

from vaebench.errors import DataError
from vaebench.files import read_json, write_json
from vaebench.records.check import differences
from vaebench.records.schema import FILES, MOST_EXAMPLES, RECORD, SCHEMAS, read
from vaebench.records.write import chosen, covariance, gini, record, shape
from vaebench.seal import seal
from vaebench.sharing.verify import verify


@pytest.fixture(scope="module")
def written(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The record of the study; not to be changed."""
    out = tmp_path_factory.mktemp("records") / "tiny"
    record(made, out)
    return out


def test_a_record_says_what_the_cells_say(made: Path, written: Path) -> None:
    found = read(written)
    assert verify(written).differences == []
    assert found.about["state"] == {"planned": 8, "finished": 8, "failed": {}, "missing": []}
    assert found.about["seed_is"] == "replicate"
    assert found.about["opening"] == read_json(made / "opened.json")
    assert str(made.parent) not in (written / RECORD).read_text()
    cell = made / "cells/planted/mult-vae/constant/seed-1"
    control = made / "cells/planted/mult-vae/linear/seed-1"
    summary = read_json(cell / "summary.json")
    (row,) = found.tables["cells"].query("strategy == 'constant' and seed == 1").itertuples()
    assert row.epoch == summary["selected"]["epoch"]
    assert json.loads(row.options) == {"beta": 1.0}
    metrics = found.tables["metrics"].query("strategy == 'constant' and seed == 1")
    assert set(metrics["metric"]) == set(summary["metrics"])
    y, c = (pd.read_parquet(folder / "test.parquet")["ndcg@100"] for folder in (cell, control))
    (row,) = metrics[metrics["metric"] == "ndcg@100"].itertuples()
    assert row.mean == pytest.approx(summary["test"]["ndcg@100"])
    assert row.variance == pytest.approx(y.var())
    assert row.covariance == pytest.approx(np.cov(y.dropna(), c.dropna())[0, 1])
    (kept,) = found.tables["examples"].query("strategy == 'constant' and seed == 1")["values"]
    assert np.array_equal(kept, y.to_numpy(np.float32), equal_nan=True)
    shapes = [split["shape"] for split in found.about["datasets"]["planted"]["splits"]]
    assert len(shapes) == 2
    assert shapes[0] != shapes[1]


def test_the_same_study_gives_the_same_bytes(made: Path, written: Path, tmp_path: Path) -> None:
    record(made, tmp_path / "again")
    for name in (RECORD, *FILES.values()):
        assert (written / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_a_study_that_is_not_finished_names_what_is_missing(study: Path, tmp_path: Path) -> None:
    (study / "cells/planted/mult-vae/constant/seed-1/status.json").unlink()
    about = record(study, tmp_path / "part")
    assert about["state"]["missing"] == ["planted/mult-vae/constant/seed-1"]
    assert about["state"]["finished"] == 7
    assert differences(tmp_path / "part") == []
    shutil.rmtree(study / "cells")
    with pytest.raises(DataError, match="no cell has a result"):
        record(study, tmp_path / "none")


def test_a_damaged_cell_is_not_recorded(study: Path, tmp_path: Path) -> None:
    path = study / "cells/planted/mult-vae/constant/seed-1/test.parquet"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(DataError, match="is damaged or was changed"):
        record(study, tmp_path / "part")


def forge(table: str, change: Callable[[list[dict[str, Any]]], None]) -> Callable[[Path], None]:
    """A record whose rows are changed and sealed again."""

    def forged(folder: Path) -> None:
        path = folder / FILES[table]
        rows = pa.parquet.read_table(path).to_pylist()
        change(rows)
        pa.parquet.write_table(pa.Table.from_pylist(rows, schema=SCHEMAS[table]), path)

    return forged


def said(change: Callable[[dict[str, Any]], None]) -> Callable[[Path], None]:
    """A record that says something else."""

    def forged(folder: Path) -> None:
        about = read_json(folder / RECORD)
        change(about)
        write_json(folder / RECORD, about)

    return forged


def _first(rows: list[dict[str, Any]], **changes: Any) -> None:
    rows[0] |= changes


FORGED: dict[str, tuple[Callable[[Path], None], str]] = {
    "a better mean": (forge("metrics", lambda r: _first(r, mean=0.9)), "the mean of"),
    "a smaller variance": (
        forge("metrics", lambda r: _first(r, variance=r[0]["variance"] / 2)),
        "the variance of",
    ),
    "a covariance that cannot be": (
        forge("metrics", lambda r: _first(r, covariance=9.0)),
        "a covariance that no two columns can have",
    ),
    "a cell twice": (forge("cells", lambda r: r.append(dict(r[0]))), "is there twice"),
    "a cell less": (forge("cells", lambda r: r.pop()), "cells finished"),
    "values of no cell": (
        forge("examples", lambda r: _first(r, strategy="other")),
        "is no finished cell",
    ),
    "fewer values": (
        forge("examples", lambda r: _first(r, values=r[0]["values"][:-1])),
        "has 29 values",
    ),
    "a test before the opening": (
        forge("cells", lambda r: _first(r, tested_at=r[0]["tested_at"] - 1e6)),
        "was tested before the test part was opened",
    ),
    "a training after it": (
        forge("cells", lambda r: _first(r, started_at=r[0]["started_at"] + 1e6)),
        "was trained after the test part was opened",
    ),
    "another hypothesis": (
        said(lambda a: a["config"]["registration"]["hypotheses"].clear()),
        "another registration.hypotheses than was registered",
    ),
    "another registration": (
        said(lambda a: a["opening"]["registered"].update(control="constant")),
        "the registration's digest is not that of what is registered",
    ),
    "no opening": (said(lambda a: a.update(opening=None)), "there is no opening"),
}


@pytest.mark.parametrize("what", FORGED)
def test_a_forged_record_does_not_agree(what: str, written: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(written, tmp_path / "tiny"))
    change, wanted = FORGED[what]
    change(folder)
    if "record" not in wanted:
        about = read_json(folder / RECORD)
        write_json(folder / RECORD, about | {"files": seal(folder, FILES.values())})
    found = verify(folder)
    assert any(wanted in sentence for sentence in found.differences), found.differences


def test_what_is_no_record_is_refused(written: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(written, tmp_path / "tiny"))
    (folder / "notes.txt").write_text("x")
    assert differences(folder) == ["notes.txt: is no file of a record"]
    path = folder / FILES["metrics"]
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(DataError, match="is damaged or was changed"):
        read(folder)
    other = pa.table({"dataset": ["x"]})
    pa.parquet.write_table(other, path)
    about = read_json(folder / RECORD)
    write_json(folder / RECORD, about | {"files": seal(folder, FILES.values())})
    with pytest.raises(DataError, match="has other columns"):
        read(folder)
    write_json(folder / RECORD, about | {"version": 2})
    with pytest.raises(DataError, match="is of version 2; allowed: 1"):
        read(folder)
    with pytest.raises(DataError, match=r"there is no record.json"):
        read(tmp_path)


def test_few_examples_are_all_kept_and_many_are_drawn_by_name() -> None:
    assert chosen("x", 0, 7).tolist() == list(range(7))
    drawn = chosen("x", 0, 5_000)
    assert len(np.unique(drawn)) == MOST_EXAMPLES
    assert (np.diff(drawn) > 0).all()
    assert np.array_equal(drawn, chosen("x", 0, 5_000))
    assert not np.array_equal(drawn, chosen("x", 1, 5_000))


def test_gini_and_covariance_by_hand() -> None:
    assert gini(np.array([1.0, 1.0, 1.0])) == pytest.approx(0.0)
    assert gini(np.array([0.0, 0.0, 5.0])) == pytest.approx(2 / 3)
    assert gini(np.array([1.0, 3.0])) == pytest.approx(1 / 4)
    one, two = np.array([1.0, 2.0, np.nan, 3.0]), np.array([1.0, np.nan, 5.0, 5.0])
    assert covariance(one, two) == pytest.approx(4.0)  # of (1, 1) and (3, 5)
    assert covariance(one, None) is None
    assert covariance(one[:2], two[:2]) is None


def test_shape_by_hand(tmp_path: Path) -> None:
    matrix = sparse.csr_matrix(np.array([[1, 1, 1, 0], [1, 0, 0, 0]], np.float32))
    sparse.save_npz(tmp_path / "train.npz", matrix)
    found = shape(tmp_path / "train.npz", {"kind": "interactions"})
    assert found is not None
    assert found["mean_n"] == 2.0
    assert found["spread_n"] == pytest.approx(0.5)
    assert found["density"] == pytest.approx(0.5)
    assert found["items"] == 4.0
    assert found["gini"] == pytest.approx((3 * 2 + 1 * 1 - 1 * 1 - 3 * 0) / (4 * 4))
    assert shape(tmp_path / "train.npz", {"kind": "images"}) is None


def test_trials_are_recorded_rung_by_rung(study: Path, tmp_path: Path) -> None:
    cell = "cells/planted/mult-vae/constant/seed-1"
    for place in ("trial-10", "trial-2", "rung-2/place-0"):
        shutil.copytree(study / cell, study / "tuning" / place / cell)
    record(study, tmp_path / "tiny")
    found = read(tmp_path / "tiny").tables["trials"]
    assert found["trial"].tolist() == [2, 10, 0]
    assert found["rung"].fillna(1).tolist() == [1, 1, 2]
    assert (found["replicate"] == 1).all()
    training = read_json(study / cell / "training.json")
    wanted = training["selected"]["validation_ndcg@100"]
    assert found["score"].tolist() == pytest.approx([wanted] * 3)
    assert found["beta"].tolist() == [1.0] * 3
