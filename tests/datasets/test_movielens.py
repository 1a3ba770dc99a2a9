"""MovieLens from small archives of the releases' inner layout, and from the real files at hand."""

import hashlib
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from vaebench.datasets import movielens
from vaebench.datasets.fetch import fetch
from vaebench.datasets.movielens import RELEASES, MovieLens
from vaebench.datasets.protocol import Ratings, Temporal
from vaebench.errors import DataError

ROWS = [
    (1, 30, 5, 978300760),
    (1, 10, 3, 978302109),
    (1, 20, 4, 978301968),
    (2, 30, 4, 978298413),
    (2, 10, 5, 978299000),
    (10, 20, 1, 978299001),
    (10, 10, 4, 978299002),
]
LIKED = {(1, 30), (1, 20), (2, 30), (2, 10), (10, 10)}


def archive(folder: Path, release: str, content: str) -> Path:
    """``release``.zip with ``content`` as its ratings, beside a file that nobody reads."""
    path = folder / f"{release}.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr(f"{release}/README", b"caf\xe9, not UTF-8")
        opened.writestr(RELEASES[release].member, content)
    return path


def lines(delimiter: str, *, header: str = "", columns: int = 4) -> str:
    rows = [delimiter.join(map(str, row[:columns])) for row in ROWS]
    return "\n".join([*([header] if header else []), *rows, ""])


def small_archive(folder: Path, release: str) -> Path:
    content = {
        "ml-100k": lines("\t"),
        "ml-1m": lines("::"),
    }.get(release, lines(",", header="userId,movieId,rating,timestamp"))
    return archive(folder, release, content)


def pairs(ratings: Ratings) -> list[tuple[int, int]]:
    users = ratings.user_ids[ratings.users].tolist()
    return list(zip(users, ratings.item_ids[ratings.items].tolist(), strict=True))


def assert_equal(one: Ratings, other: Ratings) -> None:
    for name in ("users", "items", "user_ids", "item_ids"):
        assert getattr(one, name).tolist() == getattr(other, name).tolist()
        assert getattr(one, name).dtype == getattr(other, name).dtype


@pytest.mark.parametrize("release", RELEASES)
def test_each_release_is_read_from_its_archive(tmp_path: Path, release: str) -> None:
    ratings = MovieLens(release=release).read(small_archive(tmp_path, release))
    assert set(pairs(ratings)) == LIKED
    assert len(ratings.users) == len(LIKED)
    assert ratings.user_ids.tolist() == [1, 2, 10]
    assert ratings.item_ids.tolist() == [10, 20, 30]


@pytest.mark.parametrize("release", ["ml-100k", "ml-20m", "ml-latest-small"])
def test_rows_stay_in_file_order(tmp_path: Path, release: str) -> None:
    ratings = MovieLens(release=release).read(small_archive(tmp_path, release))
    assert pairs(ratings) == [row[:2] for row in ROWS if row[2] >= 4]


def test_half_stars_count_at_the_threshold(tmp_path: Path) -> None:
    path = archive(
        tmp_path,
        "ml-20m",
        "userId,movieId,rating,timestamp\n1,2,3.5,1\n1,3,4.0,1\n2,2,4.5,1\n2,3,0.5,1\n",
    )
    assert pairs(MovieLens(release="ml-20m").read(path)) == [(1, 3), (2, 2)]
    low = MovieLens(release="ml-20m", threshold=3.5).read(path)
    assert pairs(low) == [(1, 2), (1, 3), (2, 2)]


def test_ml_1m_is_the_same_from_the_archive_and_from_a_table(tmp_path: Path) -> None:
    """The archive keeps a user's ratings by time, the table by item."""
    dataset = MovieLens(release="ml-1m")
    table = tmp_path / "ratings.csv"
    frame = pd.DataFrame([row[:3] for row in ROWS], columns=movielens.CSV)
    frame.sort_values(["userId", "movieId"]).to_csv(table, index=False)
    from_table = dataset.read(table)
    assert_equal(dataset.read(small_archive(tmp_path, "ml-1m")), from_table)
    assert pairs(from_table) == sorted(LIKED)


def test_ml_100k_is_the_same_from_the_archive_and_from_its_file(tmp_path: Path) -> None:
    dataset = MovieLens(release="ml-100k")
    (tmp_path / "u.data").write_text(lines("\t"))
    assert_equal(
        dataset.read(small_archive(tmp_path, "ml-100k")), dataset.read(tmp_path / "u.data")
    )


def test_the_archive_in_the_local_folder_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the folder of raw files to ratings; only the pinned checksum is the small archive's."""
    (tmp_path / "ml-20m").mkdir()
    path = small_archive(tmp_path / "ml-20m", "ml-20m")
    dataset = MovieLens(release="ml-20m")
    with pytest.raises(DataError, match="sha256 checksum is"):
        fetch(dataset, tmp_path, tmp_path / "downloads")
    checksum = "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()
    monkeypatch.setitem(RELEASES, "ml-20m", replace(RELEASES["ml-20m"], checksum=checksum))
    dataset = MovieLens(release="ml-20m")
    receipt = fetch(dataset, tmp_path, tmp_path / "downloads")
    assert receipt["name"] == "ml-20m.zip"
    assert set(pairs(dataset.read(Path(receipt["path"])))) == LIKED


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("userId,movieId\n1,2\n", r"there is no column 'rating'; it has userId, movieId"),
        ("userId,movieId,rating\n1,2,good\n", r"column 'rating' has values that are no numbers"),
        ("userId,movieId,rating\n1,2,4\n1,,4\n", r"column 'movieId' has 1 blank .* data row 2"),
        ("userId,movieId,rating\n1,2,3\n", r"no interaction with rating ≥ 4.0"),
        ("userId,movieId,rating\n1,2\n", r"not readable as a table"),
        ("", r"not readable as a table"),
    ],
)
def test_another_layout_is_refused(tmp_path: Path, content: str, message: str) -> None:
    path = archive(tmp_path, "ml-20m", content)
    with pytest.raises(DataError, match=message) as caught:
        MovieLens(release="ml-20m").read(path)
    assert "\n" not in str(caught.value)


def test_an_archive_of_another_release_is_refused(tmp_path: Path) -> None:
    path = small_archive(tmp_path, "ml-20m")
    with pytest.raises(DataError, match=r"there is no ml-25m/ratings\.csv in it"):
        MovieLens(release="ml-25m").read(path)


@pytest.mark.parametrize("release", RELEASES)
def test_each_release_says_what_it_needs(release: str) -> None:
    first, *others = MovieLens(release=release).raw_files()
    assert first.name == f"{release}.zip"
    assert first.urls[0] == f"https://files.grouplens.org/datasets/movielens/{release}.zip"
    assert len({url.partition("//")[2].partition("/")[0] for url in first.urls}) == 3
    assert all(url.endswith(f"/{release}.zip") for url in first.urls)
    for raw in (first, *others):
        assert raw.checksum is not None
        algorithm, _, digest = raw.checksum.partition(":")
        assert algorithm == "sha256"
        assert len(bytes.fromhex(digest)) == 32
    assert not any(raw.urls for raw in others)


@pytest.mark.parametrize(
    ("release", "name", "rows", "users", "items"),
    [
        ("ml-100k", "u.data", 100_000, 943, 1_682),
        ("ml-latest-small", "ratings.csv", 100_836, 610, 9_724),
        ("ml-1m", "ratings.csv", 1_000_209, 6_040, 3_706),
    ],
)
def test_the_real_file_has_the_published_counts(
    raw_folder: Callable[[str], Path],
    tmp_path: Path,
    release: str,
    name: str,
    rows: int,
    users: int,
    items: int,
) -> None:
    path = raw_folder(f"{release}/{name}")
    everything = MovieLens(release=release, threshold=0)
    receipt = fetch(everything, path.parents[1], tmp_path)
    assert Path(receipt["path"]).samefile(path)
    ratings = everything.read(path)
    assert len(ratings.users) == len(ratings.items) == rows
    assert (len(ratings.user_ids), len(ratings.item_ids)) == (users, items)
    assert len(np.unique(ratings.users.astype(np.int64) * items + ratings.items)) == rows


def test_the_real_ml_100k_is_as_pandas_reads_it(raw_folder: Callable[[str], Path]) -> None:
    path = raw_folder("ml-100k/u.data")
    frame = pd.read_csv(path, sep="\t", names=["user", "item", "rating", "time"])
    liked = frame[frame["rating"] >= 4]
    expected = list(zip(liked["user"].tolist(), liked["item"].tolist(), strict=True))
    assert pairs(MovieLens(release="ml-100k").read(path)) == expected


@pytest.mark.parametrize(
    ("release", "name", "first"),
    [("ml-100k", "u.data", 0), ("ml-latest-small", "ratings.csv", 1)],
)
def test_the_real_times_split_as_pandas_splits_them(
    raw_folder: Callable[[str], Path], release: str, name: str, first: int
) -> None:
    """Last tenth tested, the tenth before validated; nobody is ranked by what came later."""
    path = raw_folder(f"{release}/{name}")
    frame = pd.read_csv(path, sep=None, engine="python", header=None, skiprows=first)
    frame.columns = pd.Index(["user", "item", "rating", "time"])
    frame = frame[frame["rating"] >= 4]
    tenth, ordered = len(frame) // 10, frame["time"].sort_values().to_numpy()
    validated, tested = ordered[-2 * tenth], ordered[-tenth]
    train = frame[frame["time"] < validated]
    active = train.groupby("user").size()
    train = train[train["user"].isin(active[active >= 5].index)]
    known = frame[frame["item"].isin(train["item"])]
    result = MovieLens(release=release, split=Temporal()).parts(path)  # type: ignore[arg-type]
    assert sorted(result.ids["items"]) == sorted(train["item"].unique())
    found = result.matrices["train"].tocoo()
    pairs = zip(result.ids["train_users"][found.row], result.ids["items"][found.col], strict=True)
    assert set(pairs) == set(zip(train["user"], train["item"], strict=True))
    for part, low, high in (("validation", validated, tested), ("test", tested, np.inf)):
        before = known[known["time"] < low].groupby("user").size()
        after = known[(known["time"] >= low) & (known["time"] < high)].groupby("user").size()
        users = sorted(set(before.index) & set(after.index))
        assert len(users) > 10
        assert result.ids[f"{part}_users"].tolist() == users
        for half, sizes in (("fold_in", before), ("held_out", after)):
            stored = np.diff(result.matrices[f"{part}_{half}"].indptr)
            assert stored.tolist() == sizes[users].tolist()


def test_a_table_without_times_has_no_temporal_split(tmp_path: Path) -> None:
    frame = pd.DataFrame([row[:3] for row in ROWS], columns=movielens.CSV)
    frame.to_csv(tmp_path / "ratings.csv", index=False)
    dataset = MovieLens(release="ml-1m", split=Temporal())
    with pytest.raises(DataError, match="there is no column 'timestamp'"):
        dataset.read(tmp_path / "ratings.csv")
    times = dataset.read(small_archive(tmp_path, "ml-1m")).times
    liked = sorted(row for row in ROWS if row[2] >= 4)
    assert times is not None
    assert times.tolist() == [row[3] for row in sorted(liked, key=lambda row: row[:2])]
