"""The Netflix Prize data (Bennett & Lanning 2007)."""

import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from vaebench.datasets import Interactions, RawFile
from vaebench.datasets.fetch import TarMember, tar_members
from vaebench.datasets.protocol import Protocol, Ratings
from vaebench.datasets.tables import in_order, read_csv
from vaebench.errors import DataError

ARCHIVE = "nf_prize_dataset.tar.gz"
TRAINING_SET = "training_set.tar"


class Netflix(Interactions):
    """100,480,507 ratings of 480,189 users for 17,770 films, one text file a film.

    ``nf_prize_dataset.tar.gz`` holds ``download/training_set.tar``, which holds
    ``training_set/mv_*.txt``: a line ``film:``, then ``user,rating,date``. No checksum was ever
    published: pin yours with ``checksum: "sha256:…"`` (the card of a first run has it).
    """

    def __init__(
        self,
        *,
        threshold: float = 4.0,
        checksum: str | None = None,
        split: Protocol = Protocol(validation_users=40_000, test_users=40_000),  # noqa: B008 (frozen)
    ) -> None:
        self.threshold, self.checksum, self.split = threshold, checksum, split

    def raw_files(self) -> list[RawFile]:
        """The archive, or the inner archive."""
        urls = (f"https://archive.org/download/nf_prize_dataset.tar/{ARCHIVE}",)
        return [RawFile(ARCHIVE, self.checksum, urls), RawFile(TRAINING_SET, self.checksum)]

    def raw_folder(self) -> str:
        """``netflix``."""
        return "netflix"

    def read(self, raw: Path | None) -> Ratings:
        """Ratings ≥ ``threshold``, film after film in the order of the film's number."""
        assert raw is not None  # noqa: S101 (raw_files is not empty)
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
            films[int(number)] = table["user"].to_numpy()[keep].astype(np.int32)
        return films
