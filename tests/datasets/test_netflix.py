"""The Netflix Prize loader on small archives of the published one's inner layout."""

import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from vaebench.datasets.fetch import fetch
from vaebench.datasets.netflix import ARCHIVE, TRAINING_SET, Netflix
from vaebench.datasets.protocol import Protocol, Ratings
from vaebench.errors import DataError

FILMS = {
    "mv_0000010.txt": "10:\n7,5,2005-09-06\n8,3,2005-05-13\n",
    "mv_0000002.txt": "2:\n2000000,4,2005-01-01\n7,4,2005-01-02\n",
    "mv_0000003.txt": "3:\n8,1,2005-01-01\n",
}


def tarred(members: dict[str, bytes], mode: str) -> bytes:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode=mode) as archive:  # type: ignore[call-overload]
        folder = tarfile.TarInfo("training_set")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return whole.getvalue()


def inner(films: dict[str, str]) -> bytes:
    return tarred({f"training_set/{name}": text.encode() for name, text in films.items()}, "w")


def outer(training_set: bytes) -> bytes:
    other = {"download/README": b"text", "download/probe.txt": b"1:\n7\n"}
    return tarred(other | {f"download/{TRAINING_SET}": training_set, "download/z": b"z"}, "w:gz")


def written(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def pairs(ratings: Ratings) -> list[tuple[int, int]]:
    users = ratings.user_ids[ratings.users].tolist()
    return list(zip(users, ratings.item_ids[ratings.items].tolist(), strict=True))


@pytest.mark.parametrize("name", [ARCHIVE, TRAINING_SET])
def test_films_are_read_in_the_order_of_their_numbers(tmp_path: Path, name: str) -> None:
    content = inner(FILMS)
    path = written(tmp_path, name, outer(content) if name == ARCHIVE else content)
    ratings = Netflix().read(path)
    assert pairs(ratings) == [(2_000_000, 2), (7, 2), (7, 10)]
    assert ratings.user_ids.tolist() == [7, 2_000_000]
    assert pairs(Netflix(threshold=1).read(path)) == [
        (2_000_000, 2),
        (7, 2),
        (8, 3),
        (7, 10),
        (8, 10),
    ]


def test_the_split_is_written(tmp_path: Path) -> None:
    films = {
        f"mv_{film:07}.txt": f"{film}:\n"
        + "".join(f"{user},{3 + (user + film) % 3},2005-01-01\n" for user in range(1, 41))
        for film in range(1, 131)
    }
    path = written(tmp_path, ARCHIVE, outer(inner(films)))
    dataset = Netflix(split=Protocol(validation_users=5, test_users=6))
    dataset.write_split(path, tmp_path / "out", {"name": ARCHIVE})
    names = sorted(file.name for file in (tmp_path / "out").glob("*.npz"))
    assert names == [
        "test_fold_in.npz",
        "test_held_out.npz",
        "train.npz",
        "validation_fold_in.npz",
        "validation_held_out.npz",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("7,5,2005-09-06\n", "does not begin with a line 'film:'"),
        ("", "does not begin with a line 'film:'"),
        ("1:\n7;5;2005-09-06\n", "not readable as a table"),
        ("1:\nseven,5,2005-09-06\n", "lines that are not user,rating,date"),
        ("1:\n7,good,2005-09-06\n", "lines that are not user,rating,date"),
        ("1:\n7,5,2005-09-06\n,4,2005-09-06\n", "lines that are not user,rating,date"),
        ("1:\n7,5,2005-09-06\n8,,2005-09-06\n", "lines that are not user,rating,date"),
    ],
)
def test_a_film_of_another_layout_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = written(tmp_path, ARCHIVE, outer(inner(FILMS | {"mv_0000001.txt": text})))
    with pytest.raises(DataError, match=message) as caught:
        Netflix().read(path)
    assert "mv_0000001.txt" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_archive_without_the_training_set_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, ARCHIVE, tarred({"download/README": b"text"}, "w:gz"))
    with pytest.raises(DataError, match=r"there is no training_set\.tar"):
        Netflix().read(path)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("name", [ARCHIVE, TRAINING_SET])
def test_a_truncated_archive_is_refused(tmp_path: Path, name: str, share: float) -> None:
    film = "".join(f"{user},5,2005-01-01\n" for user in range(1, 9_000))
    content = inner({f"mv_{n:07}.txt": f"{n}:\n{film}" for n in range(1, 4)})
    whole = outer(content) if name == ARCHIVE else content
    path = written(tmp_path, name, whole[: int(len(whole) * share)])
    with pytest.raises(DataError, match="not a whole tar archive") as caught:
        Netflix().read(path)
    assert "\n" not in str(caught.value)


def test_an_evil_inner_archive_is_refused(tmp_path: Path) -> None:
    evil = tarred({"../mv_0000001.txt": b"1:\n7,5,2005-09-06\n"}, "w")
    path = written(tmp_path, ARCHIVE, outer(evil))
    with pytest.raises(DataError, match="leaves the folder"):
        Netflix().read(path)
    assert [file.name for file in tmp_path.iterdir()] == [ARCHIVE]


def test_a_pinned_checksum_is_compared(tmp_path: Path) -> None:
    """None was ever published: without one, the receipt has what to pin."""
    written(tmp_path, ARCHIVE, outer(inner(FILMS)))
    receipt = fetch(Netflix(), tmp_path, tmp_path / "downloads")
    pinned = Netflix(checksum=f"sha256:{receipt['sha256']}")
    assert fetch(pinned, tmp_path, tmp_path / "downloads") == receipt
    with pytest.raises(DataError, match="allowed: 123"):
        fetch(Netflix(checksum="sha256:123"), tmp_path, tmp_path / "downloads")


@pytest.mark.parametrize("date", ["", ",2005-09-06"])
def test_the_second_hosts_table_has_the_same_ratings(tmp_path: Path, date: str) -> None:
    """Its rows in another order; films come in the order of their numbers all the same."""
    rows = ["8,3,1", "7,10,5", "2000000,2,4", "8,10,3", "7,2,4"]
    path = tmp_path / "data.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data.csv", "".join(f"{row}{date}\n" for row in rows))
    ratings = Netflix().read(path)
    assert pairs(ratings) == [(2_000_000, 2), (7, 2), (7, 10)]
    assert ratings.user_ids.tolist() == [7, 2_000_000]
    assert path.name in [raw.name for raw in Netflix().raw_files() if raw.urls]


def test_users_beyond_32_bits_are_refused_and_not_wrapped(tmp_path: Path) -> None:
    content = inner({"mv_0000001.txt": f"1:\n{2**32 + 7},5,2005-09-06\n7,5,2005-09-06\n"})
    with pytest.raises(DataError, match=r"has a user 4294967303; allowed: below 2\*\*31"):
        Netflix().read(written(tmp_path, TRAINING_SET, content))
