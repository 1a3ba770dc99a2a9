"""The two jobs of a data set: find its raw file, and split it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vaebench.components import create
from vaebench.datasets.fetch import fetch, received
from vaebench.files import read_json, write_json

HOME = "vaebench.datasets"


def find(
    spec: Mapping[str, Any], local: str, beside: Sequence[str], downloads: str, receipt: Path
) -> None:
    """Find or download the raw file and write its receipt.

    Args:
        spec: class and options of the data set.
        local: the folder of the user's own files; empty for none.
        beside: the folders of the configuration.
        downloads: where what is downloaded goes.
        receipt: the file to write.
    """
    places = [Path(folder) for folder in beside]
    own = Path(local) if local else None
    found = fetch(create(HOME, dict(spec)), own, Path(downloads), places)
    write_json(receipt, found)


def split(spec: Mapping[str, Any], receipt: Path, out: Path) -> None:
    """Split the raw file of a receipt into the folder ``out``; the card comes last."""
    found = read_json(receipt)
    source = {key: found[key] for key in found if key != "path"}
    create(HOME, dict(spec)).write_split(received(found), out, source)
