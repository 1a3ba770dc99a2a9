"""The two jobs of a data set: find its raw file, and split it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vaebench.components import create
from vaebench.datasets.fetch import fetch, received
from vaebench.errors import DataError
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


def split(spec: Mapping[str, Any], receipt: Path, out: Path, drawn_for: str | None = None) -> None:
    """Split the raw file of a receipt into the folder ``out``; the card comes last.

    Args:
        spec: class and options of the data set.
        receipt: of the raw file.
        out: the folder to write into.
        drawn_for: whose split it is, in a study of replicates.

    Raises:
        DataError: a replicate draws its split, and the raw file comes in published parts.
    """
    found = read_json(receipt)
    source = {key: found[key] for key in found if key != "path"}
    dataset, raw = create(HOME, dict(spec)), received(found)
    if drawn_for is not None:
        if dataset.split_seed() is not None and dataset.split_seed(raw) is None:
            forms = [f.name for f in dataset.raw_files() if dataset.split_seed(Path(f.name))]
            raise DataError(
                f"{raw}: comes in published parts, and a replicate draws its own; allowed: "
                f"{' or '.join(forms)}"
            )
        dataset.drawn_for = drawn_for
    dataset.write_split(raw, out, source)
