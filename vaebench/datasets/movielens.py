"""MovieLens: the rating data of GroupLens (Harper & Konstan 2015, doi:10.1145/2827872)."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from vaebench.datasets import Interactions, RawFile
from vaebench.datasets.fetch import zip_member
from vaebench.datasets.protocol import Protocol, Ratings, Temporal, Timed
from vaebench.datasets.tables import ratings, read_delimited

HOSTS = (
    "https://files.grouplens.org/datasets/movielens/",  # the official one
    "https://huggingface.co/datasets/Recommenders/MovieLens/resolve/main/",  # not tried
    "https://static.preferred.ai/cornac/datasets/movielens/",  # not tried
)
"""A host that lacks a release is passed over; the pinned SHA-256 decides what is taken."""
CSV = ["userId", "movieId", "rating"]


@dataclass(frozen=True)
class Release:
    """One release: the archive's checksum, the file inside it, and that file's layout.

    ``alternatives`` are other forms of the same ratings that a user may have. ``content``: the
    SHA-256 of ``member``, where it is known.
    """

    checksum: str
    member: str
    delimiter: str = ","
    names: tuple[str, ...] | None = None
    alternatives: tuple[RawFile, ...] = ()
    content: str | None = None


RELEASES = {
    "ml-100k": Release(
        "sha256:50d2a982c66986937beb9ffb3aa76efe955bf3d5c6b761f4e3a7cd717c6a3229",
        "ml-100k/u.data",
        "\t",
        ("userId", "movieId", "rating", "timestamp"),
        (
            RawFile(
                "u.data", "sha256:06416e597f82b7342361e41163890c81036900f418ad91315590814211dca490"
            ),
        ),
        "sha256:06416e597f82b7342361e41163890c81036900f418ad91315590814211dca490",
    ),
    "ml-1m": Release(
        "sha256:a6898adb50b9ca05aa231689da44c217cb524e7ebd39d264c56e2832f2c54e20",
        "ml-1m/ratings.dat",
        ":",  # the file says user::item::rating::timestamp
        ("userId", "_1", "movieId", "_2", "rating", "_3", "timestamp"),
        (
            # all 1,000,209 ratings as userId,movieId,rating, in the order of users and items
            RawFile(
                "ratings.csv",
                "sha256:e5c245826559438c62788d2026e5f1cfadebf5cfa8d2e5271ce3ddd632d5a42b",
            ),
        ),
    ),
    "ml-20m": Release(
        "sha256:96f243c338a8665f6bcc89c53edf6ee39162a846940de6b7c8c48aeada765ff3",
        "ml-20m/ratings.csv",
    ),
    "ml-25m": Release(
        "sha256:8b21cfb7eb1706b4ec0aac894368d90acf26ebdfb6aced3ebd4ad5bd1eb9c6aa",
        "ml-25m/ratings.csv",
    ),
    "ml-latest-small": Release(
        "sha256:696d65a3dfceac7c45750ad32df2c259311949efec81f0f144fdfb91ebc9e436",
        "ml-latest-small/ratings.csv",
        alternatives=(
            RawFile(
                "ratings.csv",
                "sha256:aa289ca83157595d0df6aea1be6a4ded676ddc4385472e8313a8ed9805352646",
            ),
        ),
        content="sha256:aa289ca83157595d0df6aea1be6a4ded676ddc4385472e8313a8ed9805352646",
    ),
}


class MovieLens(Interactions):
    """One release of MovieLens, from its archive or from a file of it that the user already has.

    ML-1M's rows are put into the order of users and items, so that the archive (users in order, a
    user's items in the order of rating) and a table of the same ratings give the same split. That
    table has no times, so a temporal split of ML-1M needs the archive.

    References:
        harper2015

    Example:
        >>> from vaebench.datasets.movielens import MovieLens
        >>> [file.name for file in MovieLens(release="ml-1m").raw_files()]
        ['ml-1m.zip', 'ratings.csv']
    """

    unit: str | None = "movielens"
    licence = (
        "research only; no redistribution without permission, no commercial use without permission "
        "of GroupLens (ml-latest-small: redistribution under the same terms)"
    )
    cite = "Harper & Konstan 2015, ACM TiiS 5(4), doi:10.1145/2827872"

    def __init__(
        self,
        *,
        release: Literal["ml-100k", "ml-1m", "ml-20m", "ml-25m", "ml-latest-small"],
        threshold: float = 4.0,
        split: Timed = Protocol(),  # noqa: B008 (frozen)
    ) -> None:
        self.release, self.threshold, self.split = release, threshold, split
        self.layout = RELEASES[release]

    def raw_files(self) -> list[RawFile]:
        """The archive, then the files of it that are accepted instead."""
        archive = RawFile(
            f"{self.release}.zip",
            self.layout.checksum,
            tuple(f"{host}{self.release}.zip" for host in HOSTS),
            self.layout.content,
            self.layout.member,
        )
        return [archive, *self.layout.alternatives]

    def raw_folder(self) -> str:
        """The release's name."""
        return self.release

    def read(self, raw: Path) -> Ratings:
        """Ratings ≥ ``threshold``."""
        layout = self.layout
        time = "timestamp" if isinstance(self.split, Temporal) else None
        columns = [*CSV, time] if time else CSV
        if raw.suffix == ".zip":
            with zip_member(raw, layout.member) as file:
                table = read_delimited(
                    file,
                    name=f"{raw.name}/{layout.member}",
                    delimiter=layout.delimiter,
                    names=layout.names,
                    columns=columns,
                )
        elif raw.suffix == ".csv":
            table = read_delimited(raw, name=raw.name, columns=columns)
        else:
            table = read_delimited(
                raw, name=raw.name, delimiter=layout.delimiter, names=layout.names, columns=columns
            )
        read = ratings(
            table,
            name=raw.name,
            user="userId",
            item="movieId",
            rating="rating",
            threshold=self.threshold,
            time=time,
        )
        if self.release == "ml-1m":
            order = np.lexsort((read.items, read.users))
            times = None if read.times is None else read.times[order]
            read = replace(read, users=read.users[order], items=read.items[order], times=times)
        return read
