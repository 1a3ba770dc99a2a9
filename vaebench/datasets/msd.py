"""The Taste Profile subset of the Million Song Dataset (McFee et al. 2012)."""

from pathlib import Path
from typing import Any

from vaebench.datasets import Interactions, RawFile
from vaebench.datasets.fetch import zip_member
from vaebench.datasets.protocol import Protocol, Ratings
from vaebench.datasets.tables import ratings, read_delimited

MEMBER = "train_triplets.txt"
PATH = f"/millionsong/sites/default/files/challenge/{MEMBER}.zip"


class MSD(Interactions):
    """User, song, plays: 48,373,586 rows; any play counts, as in Mult-VAE.

    No checksum was ever published: pin yours with ``checksum: "sha256:…"`` (the card of a first run
    has it).

    References:
        mcfee2012

    Example:
        >>> from vaebench.datasets.msd import MSD
        >>> [file.name for file in MSD().raw_files()]
        ['train_triplets.txt.zip', 'train_triplets.txt']
    """

    licence = "research only, as the Million Song Dataset's site asks"
    cite = "McFee, Bertin-Mahieux, Ellis & Lanckriet 2012, The Million Song Dataset Challenge"

    def __init__(
        self,
        *,
        checksum: str | None = None,
        split: Protocol = Protocol(  # noqa: B008 (frozen)
            min_items_per_user=20,
            min_users_per_item=200,
            validation_users=50_000,
            test_users=50_000,
        ),
    ) -> None:
        self.checksum, self.split = checksum, split

    def raw_files(self) -> list[RawFile]:
        """The zip archive, or the text file in it."""
        urls = (
            f"http://millionsongdataset.com{PATH.removeprefix('/millionsong')}",
            f"http://labrosa.ee.columbia.edu{PATH}",
            f"http://labrosa.ee.columbia.edu/~dpwe/tmp/{MEMBER}.zip",  # not tried
        )
        return [RawFile(f"{MEMBER}.zip", self.checksum, urls), RawFile(MEMBER, self.checksum)]

    def raw_folder(self) -> str:
        """``msd``."""
        return "msd"

    def read(self, raw: Path) -> Ratings:
        """Every triplet is an interaction."""
        layout: dict[str, Any] = {
            "name": raw.name,
            "delimiter": "\t",
            "names": ("user", "song", "plays"),
            "columns": ("user", "song"),
        }
        if raw.suffix == ".zip":
            with zip_member(raw, MEMBER) as file:
                table = read_delimited(file, **layout)
        else:
            table = read_delimited(raw, **layout)
        return ratings(table, name=raw.name, user="user", item="song")
