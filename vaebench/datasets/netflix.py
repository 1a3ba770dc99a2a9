"""The Netflix Prize data (Bennett & Lanning 2007)."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from vaebench.datasets import Interactions, RawFile
from vaebench.datasets.fetch import TarMember, only_zip_member, tar_members
from vaebench.datasets.protocol import Protocol, Ratings
from vaebench.datasets.tables import in_order, ratings, read_csv, read_delimited
from vaebench.errors import DataError

ARCHIVE = "nf_prize_dataset.tar.gz"
TRAINING_SET = "training_set.tar"


class Netflix(Interactions):
    """100,480,507 ratings of 480,189 users for 17,770 films, one text file a film.

    ``nf_prize_dataset.tar.gz`` holds ``download/training_set.tar``, which holds
    ``training_set/mv_*.txt``: a line ``film:``, then ``user,rating,date``. No checksum was ever
    published: pin yours with ``checksum: "sha256:…"`` (the card of a first run has it). A second
    host has the ratings as ``data.zip`` with one table ``user,film,rating[,date]``; its rows of a
    film may come in another order, and then another 20 % of a test user's films is held out.

    References:
        bennett2007

    Example:
        >>> from vaebench.datasets.netflix import Netflix
        >>> [file.name for file in Netflix().raw_files()]
        ['nf_prize_dataset.tar.gz', 'training_set.tar', 'data.zip']
    """

    licence = "research only; no redistribution (terms of the Netflix Prize)"
    cite = "Bennett & Lanning 2007, The Netflix Prize, KDD Cup and Workshop"

    def __init__(
        self,
        *,
        threshold: float = 4.0,
        checksum: str | None = None,
        split: Protocol = Protocol(validation_users=40_000, test_users=40_000),  # noqa: B008 (frozen)
    ) -> None:
        self.threshold, self.checksum, self.split = threshold, checksum, split

    def raw_files(self) -> list[RawFile]:
        """The archive, the inner archive, or the table of the second host."""
        urls = (f"https://archive.org/download/nf_prize_dataset.tar/{ARCHIVE}",)
        second = ("https://static.preferred.ai/cornac/datasets/netflix/data.zip",)  # not tried
        return [
            RawFile(ARCHIVE, self.checksum, urls),
            RawFile(TRAINING_SET, self.checksum),
            RawFile("data.zip", self.checksum, second),
        ]

    def raw_folder(self) -> str:
        """``netflix``."""
        return "netflix"

    def read(self, raw: Path) -> Ratings:
        """Ratings ≥ ``threshold``, film after film in the order of the film's number."""
        if raw.suffix == ".zip":
            return self._table(raw)
        if raw.name == TRAINING_SET:
            films = self._films(raw, raw.name)
        else:
            films = {}
            for name, file in tar_members(raw, raw.name):
                if name.endswith(TRAINING_SET):
                    films = self._films(file, name)
        if not films:
            raise DataError(f"{raw}: there is no {TRAINING_SET} with training_set/mv_*.txt in it")
        numbers = np.array(sorted(films))
        users = np.concatenate([films[number] for number in numbers])
        lengths = [len(films[number]) for number in numbers]
        encoded = pc.dictionary_encode(pa.array(users))
        codes, user_ids = in_order(encoded.indices.to_numpy(), encoded.dictionary)
        items = np.repeat(np.arange(len(numbers), dtype=np.int32), lengths)
        return Ratings(codes, items, user_ids, numbers)

    def _table(self, raw: Path) -> Ratings:
        """The second host's table, put into the order of films."""
        with only_zip_member(raw) as file:
            date = b"-" in file.readline()
            file.seek(0)
            names = ("user", "film", "rating", "date") if date else ("user", "film", "rating")
            table = read_delimited(file, name=raw.name, names=names, columns=names[:3])
        found = ratings(
            table,
            name=raw.name,
            user="user",
            item="film",
            rating="rating",
            threshold=self.threshold,
        )
        order = np.argsort(found.items, kind="stable")
        return replace(found, users=found.users[order], items=found.items[order])

    def _films(self, archive: Path | TarMember, label: str) -> dict[int, np.ndarray]:
        """Film number → the users (int32) who rated it ≥ threshold."""
        films = {}
        for name, file in tar_members(archive, label):
            first, _, rest = file.read().partition(b"\n")
            number = first.strip().removesuffix(b":")
            if not number.isdigit():
                raise DataError(f"{label}: {name} does not begin with a line 'film:'")
            table = read_csv(
                io.BytesIO(rest),
                name=name,
                names=("user", "rating", "date"),
                columns=("user", "rating"),
            )
            if any(column.type != pa.int64() or column.null_count for column in table.columns):
                raise DataError(f"{label}: {name} has lines that are not user,rating,date")
            keep = table["rating"].to_numpy() >= self.threshold
            users = table["user"].to_numpy()[keep]
            if len(users) and users.max() > np.iinfo(np.int32).max:
                raise DataError(f"{label}: {name} has a user {users.max()}; allowed: below 2**31")
            films[int(number)] = users.astype(np.int32)
        return films
