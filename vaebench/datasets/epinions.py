"""Epinions ratings (a published sub-sample)."""

from vaebench.datasets import RawFile
from vaebench.datasets.protocol import Protocol
from vaebench.datasets.published import FAIR_REC_SYS, OneTable

DIGEST = "sha256:1ae952acc68fc08086c2a98202a0b562fdf9ced4e03696feb7001d6f3dd3ce61"


class Epinions(OneTable):
    """103,567 ratings (1-5) of 2,677 users for 2,060 items; 70,071 are ≥ 4.

    References:
        rahmani2022

    Example:
        >>> from vaebench.datasets.epinions import Epinions
        >>> [file.name for file in Epinions().raw_files()]
        ['Epinion_data.txt']
    """

    files = (RawFile("Epinion_data.txt", DIGEST, (f"{FAIR_REC_SYS}Epinion/Epinion_data.txt",)),)
    folder = "epinions"
    delimiter = ","
    licence = "not stated with the published sub-sample; research use"
    cite = (
        "a sub-sample of Epinions, published with FairRecSys, github.com/rahmanidashti/FairRecSys"
    )

    def __init__(
        self,
        *,
        threshold: float = 4.0,
        split: Protocol = Protocol(validation_users=250, test_users=250),  # noqa: B008 (frozen)
    ) -> None:
        self.threshold, self.split = threshold, split
