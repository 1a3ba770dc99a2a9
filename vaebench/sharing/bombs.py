"""Files that are small on disk and fill the memory when read, refused by what they say themselves.

A file that says less than it holds is stopped by the limit of the process that reads it.
"""

import zipfile
from pathlib import Path

import pyarrow.parquet

from vaebench.errors import DataError

RATIO, FREE = 40, 32 * 2**20
"""A file may unpack to ``FREE`` bytes, and to ``RATIO`` times its own."""


def refuse_bombs(folder: Path) -> None:
    """Nothing, if no Parquet or NumPy file in ``folder`` is far larger than it looks.

    Raises:
        DataError: one is, or it is damaged; the message names it.
    """
    for path in sorted(folder.rglob("*")):
        measure = MEASURES.get(path.suffix)
        if measure is None:
            continue
        try:
            unpacked = measure(path)
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise DataError(f"{path}: is damaged ({error})") from error
        if unpacked > FREE + RATIO * path.stat().st_size:
            raise DataError(
                f"{path}: unpacks {path.stat().st_size} bytes to {unpacked}; allowed: {RATIO} times"
            )


def _parquet(path: Path) -> int:
    about = pyarrow.parquet.read_metadata(path)
    return int(8 * about.num_rows * about.num_columns)


def _npz(path: Path) -> int:
    with zipfile.ZipFile(path) as opened:
        return sum(member.file_size for member in opened.infolist())


MEASURES = {".parquet": _parquet, ".npz": _npz}
