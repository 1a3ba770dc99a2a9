"""A file that is not the one that was sealed is named where it is read back."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.trained import run
from vaebench.cells.reading import Cells
from vaebench.components import create
from vaebench.errors import DataError
from vaebench.files import digest, write_json
from vaebench.images.measure import load
from vaebench.seal import check, seal, sealed
from vaebench.statistics.tuning import judged

SPEC = {
    "study": "s",
    "dataset": "digits",
    "model": {
        "name": "mlp",
        "class": "bernoulli_mlp.BernoulliMLP",
        "hidden": [4],
        "latents": 2,
    },
    "strategy": {"name": "constant", "class": "constant.Constant"},
    "seed": 0,
    "training": {"epochs": 1, "device": "cpu"},
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a cell, in a study with its split."""
    study = tmp_path_factory.mktemp("study") / "s"
    create("vaebench.datasets", {"class": "digits.Digits"}).write_split(
        None, study / "data/digits", {}
    )
    cell = study / "cells/digits/mlp/constant/seed-0"
    run(SPEC, study / "data/digits", cell)
    return cell


def frames(cell: Path) -> None:
    Cells([cell]).table()


def pictures(cell: Path) -> None:
    load(cell, cell.parents[4] / "data/digits")


def trial(cell: Path) -> None:
    judged(0, {}, [cell], "elbo")


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("trace.parquet", frames),
        ("test.parquet", frames),
        ("summary.json", frames),
        ("config.json", frames),
        ("best.safetensors", pictures),
        ("config.json", trial),
    ],
)
@pytest.mark.parametrize("damage", ["a bit", "no content", "removed"])
def test_a_damaged_file_of_a_cell_is_named_where_it_is_read(
    trained: Path, name: str, read: Callable[[Path], None], damage: str
) -> None:
    path = trained / name
    read(trained)
    before = path.read_bytes()
    if damage == "a bit":
        path.write_bytes(before[:20] + bytes([before[20] ^ 1]) + before[21:])
    elif damage == "no content":
        path.write_bytes(b"")
    else:
        path.unlink()
    try:
        with pytest.raises(DataError) as said:
            read(trained)
    finally:
        path.write_bytes(before)
    assert str(said.value).startswith(f"{path}: is ")
    assert "run the study again" in str(said.value)
    read(trained)


def test_every_file_of_a_cell_has_its_digest(trained: Path) -> None:
    files = sealed(trained / "status.json")
    assert {*files, "status.json"} == {path.name for path in trained.iterdir()}
    assert files == {name: digest(trained / name) for name in files}
    check(trained, files)


@pytest.mark.parametrize(
    "files", [[], "x", {"../x": "0"}, {"/x": "0"}, {"x": 0}, {"": "0"}], ids=str
)
def test_a_seal_that_is_none_or_looks_elsewhere_is_refused(files: object, tmp_path: Path) -> None:
    write_json(tmp_path / "status.json", {"files": files})
    with pytest.raises(DataError, match=r"status.json: 'files' is damaged"):
        sealed(tmp_path / "status.json")


@pytest.mark.parametrize("text", ["", "[" * 100_000, "\xff", "1" * 5000])
def test_what_is_no_json_is_one_sentence(text: str, tmp_path: Path) -> None:
    path = tmp_path / "status.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(DataError, match=r"cannot read|is damaged"):
        sealed(path)


def test_only_the_files_asked_for_are_checked(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
    files = seal(tmp_path, ["a", "b"])
    (tmp_path / "b").write_text("c")
    check(tmp_path, files, ["a"])
    with pytest.raises(DataError, match=r"b: is damaged or was changed"):
        check(tmp_path, json.loads(json.dumps(files)))
