"""What published sets of interactions share, so that one of them is few lines: one file."""

from pathlib import Path
from typing import Any, ClassVar

from vaebench.datasets import Interactions, RawFile
from vaebench.datasets.fetch import zip_member
from vaebench.datasets.protocol import Protocol, Ratings
from vaebench.datasets.tables import ratings, read_delimited

FAIR_REC_SYS = "https://github.com/rahmanidashti/FairRecSys/raw/HEAD/datasets/"
"""Where four sub-samples are published (not tried; their SHA-256 are pinned)."""


class OneFile(Interactions):
    """A data set of one file, in one of its forms; a class of it says which, where, which terms."""

    files: ClassVar[tuple[RawFile, ...]]
    folder: ClassVar[str]

    def raw_files(self) -> list[RawFile]:
        """The forms of the one file."""
        return list(self.files)

    def raw_folder(self) -> str:
        """The data set's name."""
        return self.folder


class OneTable(OneFile):
    """A text with users, items and maybe a number in each line."""

    delimiter: ClassVar[str] = "\t"
    header: ClassVar[bool] = False
    columns: ClassVar[tuple[str, str, str]] = ("user", "item", "value")
    """Of users, items and numbers, as the header names them, if there is one."""

    threshold: float | None = None
    split: Protocol

    def read(self, raw: Path) -> Ratings:
        """Rows with a value ≥ ``threshold``; without a threshold every row."""
        user, item, value = self.columns
        layout: dict[str, Any] = {
            "name": raw.name,
            "columns": [user, item] if self.threshold is None else self.columns,
            "delimiter": self.delimiter,
            "names": None if self.header else self.columns,
        }
        if raw.suffix == ".zip":
            member = next(file.member for file in self.files if file.name == raw.name)
            with zip_member(raw, member or "") as file:
                table = read_delimited(file, **layout)
        else:
            table = read_delimited(raw, **layout)
        return ratings(
            table,
            name=raw.name,
            user=user,
            item=item,
            rating=None if self.threshold is None else value,
            threshold=self.threshold,
        )
