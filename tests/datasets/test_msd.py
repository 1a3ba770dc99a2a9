"""The Taste Profile loader on small files of the published one's layout."""

import zipfile
from itertools import chain
from pathlib import Path

import pytest

from vaebench.datasets.fetch import fetch
from vaebench.datasets.msd import MEMBER, MSD
from vaebench.datasets.protocol import Protocol, Ratings
from vaebench.errors import DataError

ROWS = [
    ("b80344d063b5ccb3", "SOAKIMP12A8C130995", 1),
    ("b80344d063b5ccb3", "SOAPDEY12A81C210A9", 17),
    ("85c1f87fea955d09", "SOAPDEY12A81C210A9", 1),
]
TEXT = "".join(f"{user}\t{song}\t{plays}\n" for user, song, plays in ROWS)


def zipped(folder: Path, content: str, member: str = MEMBER) -> Path:
    path = folder / f"{MEMBER}.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(member, content)
    return path


def pairs(ratings: Ratings) -> list[tuple[str, str]]:
    users = ratings.user_ids[ratings.users].tolist()
    return list(zip(users, ratings.item_ids[ratings.items].tolist(), strict=True))


@pytest.mark.parametrize("form", ["zip", "txt"])
def test_any_play_counts_once(tmp_path: Path, form: str) -> None:
    path = zipped(tmp_path, TEXT) if form == "zip" else tmp_path / MEMBER
    if form == "txt":
        path.write_text(TEXT)
    ratings = MSD().read(path)
    assert pairs(ratings) == [(user, song) for user, song, _ in ROWS]
    assert ratings.values is None
    assert ratings.user_ids.tolist() == ["85c1f87fea955d09", "b80344d063b5ccb3"]


def test_the_filter_is_that_of_the_paper() -> None:
    split = MSD().split
    assert (split.min_items_per_user, split.min_users_per_item) == (20, 200)
    assert (split.validation_users, split.test_users) == (50_000, 50_000)


def test_the_split_is_written_with_the_users_names(tmp_path: Path) -> None:
    text = "".join(
        f"user{user:02}\tSO{song:02}\t{1 + user * song % 7}\n"
        for user in range(30)
        for song in range(125)
    )
    dataset = MSD(
        split=Protocol(
            min_items_per_user=20, min_users_per_item=20, validation_users=4, test_users=5
        )
    )
    dataset.write_split(zipped(tmp_path, text), tmp_path / "out", {})
    users = [
        (tmp_path / "out" / f"{part}_users.txt").read_text().split()
        for part in ("train", "validation", "test")
    ]
    assert [len(part) for part in users] == [21, 4, 5]
    assert sorted(chain(*users)) == [f"user{user:02}" for user in range(30)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "not readable as a table"),
        ("user,song,plays\n", "not readable as a table"),
        ("a\tb\t1\na\tb\n", "not readable as a table"),
        ("a\tb\t1\na\t\t1\n", "column 'song' has 1 blank values, the first in data row 2"),
    ],
)
def test_another_layout_is_refused(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        MSD().read(zipped(tmp_path, content))
    assert "\n" not in str(caught.value)


def test_a_truncated_archive_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path, TEXT * 1000)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="not a whole zip archive"):
        MSD().read(path)


def test_a_damaged_archive_is_refused(tmp_path: Path) -> None:
    """No checksum is published, so the archive itself must tell, through the table's reader."""
    path = zipped(tmp_path, TEXT * 1000)
    content = bytearray(path.read_bytes())
    content[30 + len(MEMBER)] = 0xFF
    path.write_bytes(content)
    with pytest.raises(DataError, match="not a whole zip archive"):
        MSD().read(path)


def test_an_archive_without_the_triplets_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"there is no {MEMBER} in it"):
        MSD().read(zipped(tmp_path, TEXT, member="other.txt"))


def test_a_pinned_checksum_is_compared(tmp_path: Path) -> None:
    (tmp_path / "msd").mkdir()
    zipped(tmp_path / "msd", TEXT)
    receipt = fetch(MSD(), tmp_path, tmp_path / "downloads")
    assert fetch(MSD(checksum=f"sha256:{receipt['sha256']}"), tmp_path, tmp_path) == receipt
    with pytest.raises(DataError, match="allowed: 123"):
        fetch(MSD(checksum="sha256:123"), tmp_path, tmp_path / "downloads")
