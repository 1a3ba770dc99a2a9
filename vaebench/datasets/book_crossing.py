"""Book-Crossing ratings (a published sub-sample; Ziegler et al. 2005)."""

from vaebench.datasets import RawFile
from vaebench.datasets.protocol import Protocol
from vaebench.datasets.published import FAIR_REC_SYS, OneTable

DIGEST = "sha256:73a882c4ba18eba991de2cd4bdd6f761581443d86f60225da146c0ddee7a5b0d"


class BookCrossing(OneTable):
    """88,552 ratings (1-10) of 6,358 users for 6,921 books.

    References:
        ziegler2005, rahmani2022

    Example:
        >>> from vaebench.datasets.book_crossing import BookCrossing
        >>> [file.name for file in BookCrossing().raw_files()]
        ['ratings_data.txt']
    """

    files = (
        RawFile("ratings_data.txt", DIGEST, (f"{FAIR_REC_SYS}BookCrossing/ratings_data.txt",)),
    )
    folder = "book-crossing"
    delimiter = ","
    licence = "not stated with the published sub-sample; research use"
    cite = (
        "Ziegler, McNee, Konstan & Lausen 2005, WWW; a sub-sample, published with FairRecSys, "
        "github.com/rahmanidashti/FairRecSys"
    )

    def __init__(
        self,
        *,
        threshold: float = 7.0,
        split: Protocol = Protocol(validation_users=500, test_users=500),  # noqa: B008 (frozen)
    ) -> None:
        self.threshold, self.split = threshold, split
