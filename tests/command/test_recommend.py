"""``vaebench recommend``: the lists of the library, for files of any size and kind."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import vaebench
from vaebench.command import main
from vaebench.library import Fitted

NETWORK = {"class": "mult_vae.MultVAE", "hidden": 6, "latents": 2}


def ratings(*, texts: bool) -> pd.DataFrame:
    random = np.random.default_rng(0)
    users, items = np.nonzero(random.random((90, 105)) < np.linspace(0.05, 0.3, 105))
    names = [f"Ä, {item}" for item in items] if texts else items + 500
    frame = pd.DataFrame({"user": users + 7, "item": names})
    return frame.sample(frac=1, random_state=0, ignore_index=True)


@pytest.fixture(scope="module", params=[False, True], ids=["numbers", "texts"])
def table(request: pytest.FixtureRequest) -> pd.DataFrame:
    return ratings(texts=request.param)


@pytest.fixture(scope="module")
def fitted(table: pd.DataFrame) -> Fitted:
    training = {"epochs": 1, "batch_size": 40, "device": "cpu"}
    return vaebench.fit(table, model=NETWORK, training=training)


@pytest.fixture
def model(fitted: Fitted, tmp_path: Path) -> Path:
    fitted.save(tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors"


def written(frame: pd.DataFrame, path: Path) -> Path:
    if path.suffix == ".parquet":
        frame.to_parquet(path, index=False)
    else:
        frame.to_csv(path, index=False, sep="\t" if ".tsv" in path.name else ",")
    return path


def same(found: pd.DataFrame, fitted: Fitted, frame: pd.DataFrame, k: int) -> None:
    """The lists of the library, whatever the order of the users."""
    wanted = fitted.recommend(frame, k)[["user", "item", "rank", "score"]]
    assert found.columns.tolist() == ["user", "item", "rank", "score"]
    found = found.astype({"user": "int64"}).sort_values(["user", "rank"], ignore_index=True)
    pd.testing.assert_frame_equal(found, wanted, check_exact=False, rtol=1e-4, check_dtype=False)


@pytest.mark.parametrize("name", ["users.csv", "users.tsv", "users.parquet", "users.csv.gz"])
@pytest.mark.parametrize("out", ["lists.csv", "lists.parquet"])
def test_lists_are_those_of_the_library(
    name: str, out: str, table: pd.DataFrame, fitted: Fitted, model: Path, tmp_path: Path
) -> None:
    """Rows in no order, some twice."""
    users = written(pd.concat([table, table[:50]]), tmp_path / name)
    main(
        ["recommend", str(model), "--users", str(users), "--top", "4", "--out", f"{tmp_path / out}"]
    )
    path = tmp_path / out
    found = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
    same(found, fitted, table, 4)


def test_many_users_are_sorted_into_parts(
    table: pd.DataFrame,
    fitted: Fitted,
    model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The same lists when the file is many times what is held at once; printed by default."""
    monkeypatch.setattr("vaebench.command.recommend.PART", 2_000)
    monkeypatch.setattr("vaebench.command.recommend.BATCH", 100)
    renamed = table.rename(columns={"user": "who", "item": "what"})
    users = written(renamed, tmp_path / "users.parquet")
    main(["recommend", str(model), "--users", str(users), "--user", "who", "--item", "what"])
    printed = capsys.readouterr()
    (tmp_path / "out.csv").write_text(printed.out)
    found = pd.read_csv(tmp_path / "out.csv")
    assert not found["user"].is_monotonic_increasing
    same(found, fitted, table, 10)
    assert printed.err == f"vaebench: {table['user'].nunique()} users\n"


def test_unknown_items_are_named_and_their_users_served(
    table: pd.DataFrame, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = pd.DataFrame({"user": [1, 2, 2], "item": ["x", "y", "x"]})
    users = written(pd.concat([table[:30].astype({"item": str}), more]), tmp_path / "u.csv")
    out = tmp_path / "lists.csv"
    main(["recommend", str(model), "--users", str(users), "--out", str(out)])
    said = capsys.readouterr().err
    assert "vaebench: 3 rows have items that the model does not know: 'x', 'y'; ignored" in said
    assert "vaebench: 2 users have no item that the model knows; all get the same list" in said
    lists = pd.read_csv(out).groupby("user")["item"].apply(list)
    assert lists[1] == lists[2]


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        ("user,item\n", [], "u.csv: has no rows; allowed: rows of a user and an item"),
        ("", [], "u.csv: not readable as a table: "),
        ("who,item\n1,2\n", [], "u.csv: there is no column 'user'; it has who, item"),
        (
            "user,item\n1,nothing\n",
            [],
            "that the model does not know: 'nothing'; allowed: items as",
        ),
        ("user,item\n,501\n", [], "u.csv: a row has no user or no item; allowed: both"),
        ("user,item\n1,501\n", ["--out", "lists.txt"], "lists.txt: the name is not allowed; it "),
        ("user,item\n1,501\n", ["--beta", "0.2"], "MultVAE is not told β; allowed: "),
        ("user,item\n1,501\n", ["--users", "none.csv"], "none.csv: no such file; allowed: "),
    ],
)
def test_bad_input_is_one_sentence(
    text: str,
    options: list[str],
    said: str,
    model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "u.csv").write_text(text)
    with pytest.raises(SystemExit) as found:
        main(["recommend", str(model), "--users", "u.csv", *options])
    assert str(found.value).startswith("vaebench: ")
    assert said in str(found.value)
    assert "\n" not in str(found.value)
    assert not list(tmp_path.glob("lists*"))


@pytest.mark.parametrize(
    ("options", "said"),
    [(["--top", "0"], "--top: 0 is not allowed"), (["--item", "user"], "should be two columns")],
)
def test_a_wrong_argument_ends_with_status_2(
    options: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as found:
        main(["recommend", "model", "--users", "u.csv", *options])
    assert found.value.code == 2
    assert said in capsys.readouterr().err
