"""Last.fm listening (HetRec 2011, Cantador, Brusilovsky & Kuflik)."""

from vaebench.datasets import RawFile
from vaebench.datasets.protocol import Protocol
from vaebench.datasets.published import OneTable

URL, ARCHIVE = "https://files.grouplens.org/datasets/hetrec2011/", "hetrec2011-lastfm-2k.zip"
TABLE = "sha256:650cd69d5a68db24b439042557aa539aec47e473273e12cdfdca2cd944b3773a"


class LastFM(OneTable):
    """92,834 pairs of 1,892 users and 17,632 artists; any play counts.

    References:
        cantador2011

    Example:
        >>> from vaebench.datasets.lastfm import LastFM
        >>> [file.name for file in LastFM().raw_files()]
        ['hetrec2011-lastfm-2k.zip', 'user_artists.dat']
    """

    files = (
        RawFile(ARCHIVE, urls=(URL + ARCHIVE,), content=TABLE, member="user_artists.dat"),
        RawFile("user_artists.dat", TABLE),
    )
    folder = "lastfm-hetrec2011"
    header = True
    columns = ("userID", "artistID", "weight")
    licence = "research only, no redistribution without permission"
    cite = "Cantador, Brusilovsky & Kuflik 2011, HetRec workshop at RecSys"

    def __init__(
        self,
        *,
        split: Protocol = Protocol(validation_users=200, test_users=200),  # noqa: B008 (frozen)
    ) -> None:
        self.split = split
