"""Jester-1: ratings of 100 jokes (Goldberg et al. 2001)."""

from pathlib import Path

from vaebench.datasets import Cutoff, RawFile
from vaebench.datasets.fetch import zip_member
from vaebench.datasets.protocol import Protocol, Ratings
from vaebench.datasets.published import OneFile
from vaebench.datasets.tables import of_matrix, read_wide

ARCHIVE, TABLE = "jester-data-1.zip", "jester-data-1.csv"
DIGEST = "sha256:4adf783a1e03bd3be063315cb6e0a064fe63e983fd289d01b8e401a8e6c41e5f"
CONTENT = "sha256:4692895acc91263ec11592cb94687725e28afdd451845ab46c2ac6ba3ebc414e"
URL = f"https://github.com/negi-soumya/eigentaste/raw/HEAD/{ARCHIVE}"  # not tried


class Jester(OneFile):
    """1,810,455 ratings in [-10, 10] of 24,983 users; those > ``above`` count, 1,077,115 at 0.

    A row a user: how many jokes were rated, then 100 ratings, where 99 is none. The owner's own
    archive has a spreadsheet; this one the same numbers as text. A study of it needs a ``cutoff``
    below 100: a list of 100 holds all jokes.

    References:
        goldberg2001

    Example:
        >>> from vaebench.datasets.jester import Jester
        >>> [file.name for file in Jester().raw_files()]
        ['jester-data-1.zip']
    """

    files = (RawFile(ARCHIVE, DIGEST, (URL,), CONTENT, TABLE),)
    folder = "jester"
    licence = "research only, no redistribution"
    cite = "Goldberg, Roeder, Gupta & Perkins 2001, Information Retrieval 4(2)"

    def __init__(
        self,
        *,
        above: float = 0.0,
        cutoff: Cutoff = 100,
        split: Protocol = Protocol(validation_users=2_500, test_users=2_500),  # noqa: B008 (frozen)
    ) -> None:
        self.above, self.cutoff, self.split = above, cutoff, split

    def read(self, raw: Path) -> Ratings:
        """The ratings that count, user after user."""
        with zip_member(raw, TABLE) as file:
            numbers = read_wide(file, name=TABLE, delimiter=",", header=False, skip=1)
        return of_matrix(numbers, self.above, 99, TABLE)
