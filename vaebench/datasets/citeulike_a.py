"""citeulike-a: libraries of scientific articles (Wang, Chen & Li 2013)."""

from pathlib import Path

from vaebench.datasets import RawFile
from vaebench.datasets.protocol import Protocol, Ratings
from vaebench.datasets.published import OneFile
from vaebench.datasets.tables import ratings, read_lists

DIGEST = "sha256:53211d82c14ff261e595634d285ed9fbf8049cf81dcb751d924d695b9612a02c"
URL = "https://github.com/js05212/citeulike-a/raw/HEAD/users.dat"  # not tried


class CiteULikeA(OneFile):
    """204,986 pairs of 5,551 users and 16,980 articles; a line a user, its count first.

    References:
        wang2013

    Example:
        >>> from vaebench.datasets.citeulike_a import CiteULikeA
        >>> [file.name for file in CiteULikeA().raw_files()]
        ['users.dat']
    """

    files = (RawFile("users.dat", DIGEST, (URL,)),)
    folder = "citeulike-a"
    licence = "not stated; research use"
    cite = "Wang, Chen & Li 2013, IJCAI; github.com/js05212/citeulike-a"

    def __init__(self, *, split: Protocol = Protocol(validation_users=500, test_users=500)) -> None:  # noqa: B008
        self.split = split

    def read(self, raw: Path) -> Ratings:
        """Every article in every library."""
        user, item = read_lists(raw, "count")
        return ratings({"user": user, "item": item}, name=raw.name, user="user", item="item")
