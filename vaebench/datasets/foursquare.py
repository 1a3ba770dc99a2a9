"""Foursquare check-ins (a published sub-sample)."""

from vaebench.datasets import RawFile
from vaebench.datasets.protocol import Protocol
from vaebench.datasets.published import FAIR_REC_SYS, OneTable

DIGEST = "sha256:ca570980e577646d8d1025eba35042866a9f3856ef46b7dd276d40e498ab7f53"


class Foursquare(OneTable):
    """277,405 pairs of 7,642 users and 28,483 places; any check-in counts.

    References:
        rahmani2022

    Example:
        >>> from vaebench.datasets.foursquare import Foursquare
        >>> [file.name for file in Foursquare().raw_files()]
        ['ratings_data.txt']
    """

    files = (RawFile("ratings_data.txt", DIGEST, (f"{FAIR_REC_SYS}Foursquare/ratings_data.txt",)),)
    folder = "foursquare"
    licence = "not stated with the published sub-sample; research use"
    cite = (
        "a sub-sample of Foursquare's check-ins, published with FairRecSys, "
        "github.com/rahmanidashti/FairRecSys"
    )

    def __init__(
        self,
        *,
        split: Protocol = Protocol(validation_users=750, test_users=750),  # noqa: B008 (frozen)
    ) -> None:
        self.split = split
