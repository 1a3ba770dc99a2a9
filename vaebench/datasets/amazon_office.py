"""Amazon reviews of office products (a published sub-sample)."""

from vaebench.datasets import RawFile
from vaebench.datasets.protocol import Protocol
from vaebench.datasets.published import FAIR_REC_SYS, OneTable

DIGEST = "sha256:6d890197aa1c44ae06bb0eeb3cca76e4e8da98da44c31365d56244e05758c2f2"


class AmazonOffice(OneTable):
    """53,282 ratings (1-5) of 3,703 users for 6,523 products.

    References:
        rahmani2022

    Example:
        >>> from vaebench.datasets.amazon_office import AmazonOffice
        >>> [file.name for file in AmazonOffice().raw_files()]
        ['ratings_data.txt']
    """

    files = (
        RawFile("ratings_data.txt", DIGEST, (f"{FAIR_REC_SYS}AmazonOffice/ratings_data.txt",)),
    )
    folder = "amazon-office"
    licence = "not stated with the published sub-sample; research use"
    cite = (
        "a sub-sample of Amazon's reviews of office products, published with FairRecSys, "
        "github.com/rahmanidashti/FairRecSys"
    )

    def __init__(
        self,
        *,
        threshold: float = 4.0,
        split: Protocol = Protocol(validation_users=300, test_users=300),  # noqa: B008 (frozen)
    ) -> None:
        self.threshold, self.split = threshold, split
