"""Second names of what cells have finished: the way back to every result.

Snakemake removes the files of a cell before it makes them anew: because its code was edited,
because times were lost when a folder was copied, or because another cell of the same submission
failed. Cells write nothing by half, so what is finished gets a second name, by what it depends on.
A job that finds its own result there brings it back instead of working: content decides, whatever
the times say, and an edit that is undone has cost nothing. The names are hard links: while a result
stands they take no further bytes. Of each cell the latest two are kept.
"""

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vaebench.cells.folder import SEALS, CellFolder
from vaebench.errors import DataError
from vaebench.files import digest, read_json

LATEST = 2
"""Results of one stage of a cell that are kept."""

log = logging.getLogger(__name__)


def keep(cell: CellFolder, files: Sequence[str], stamp: Any) -> None:  # noqa: ANN401 (JSON)
    """Give finished ``files`` of a cell, the seal last, second names under their ``stamp``.

    Where that fails (no hard links, a full disk) nothing is kept and the cell is finished all the
    same.
    """
    place = _place(cell, files, stamp)
    try:
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        for name in files:
            os.link(cell.file(name), place / name)
        others = sorted(place.parent.iterdir(), key=lambda path: path.stat().st_mtime_ns)
        for old in others[:-LATEST]:
            shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        shutil.rmtree(place, ignore_errors=True)
        log.info("%s: no second name (%s)", cell.path, error)


def restore(cell: CellFolder, files: Sequence[str], stamp: Any) -> bool:  # noqa: ANN401 (JSON)
    """Bring ``files`` of the same ``stamp`` back, if they are kept and whole.

    Every file is compared with the digest in its seal: a damaged one is removed, and the cell is
    made again.
    """
    place = _place(cell, files, stamp)
    if not (place / files[-1]).exists():
        return False
    try:
        sealed = read_json(place / files[-1])["files"]
        for name in files[:-1]:
            if digest(place / name) != sealed[name]:
                raise DataError(f"{place / name}: not the file that was sealed")  # noqa: TRY301
    except (DataError, KeyError, TypeError) as error:
        log.warning("%s; it is made again", error)
        shutil.rmtree(place, ignore_errors=True)
        return False
    cell.path.mkdir(parents=True, exist_ok=True)
    for name in files:  # the seal comes last
        cell.file(name).unlink(missing_ok=True)
        os.link(place / name, cell.file(name))
        os.utime(cell.file(name))  # newer than what it depends on, as Snakemake wants it
    log.info("%s: finished before, brought back", cell.path)
    return True


def generations(cell: CellFolder) -> list[Path]:
    """The folders of all that is kept of a cell."""
    return sorted(path.parent for seal in SEALS for path in cell.kept.glob(f"*/*/{seal}"))


def _place(cell: CellFolder, files: Sequence[str], stamp: Any) -> Path:  # noqa: ANN401 (JSON)
    mark = hashlib.sha256(json.dumps(stamp, sort_keys=True).encode()).hexdigest()[:16]
    return cell.kept / Path(files[-1]).stem / mark
