"""Finished cells that outlive their pack.

A scheduler may run many cells as one submission. Where one of them is lost (a time limit, a dead
node), Snakemake takes the whole submission for lost and removes what its finished cells wrote, in
order not to believe half-written files. Cells write nothing by half, so theirs are kept under a
second name until the study has its verdict: hard links, which take no further bytes.
"""

import logging
import os
import shutil
from pathlib import Path
from typing import Any

from vaebench.errors import DataError
from vaebench.files import read_json, write_json
from vaebench.words import FILES

KEPT = ".kept"
"""The folder of second names, beside the folder of cells."""

STAMP = "stamp.json"
log = logging.getLogger(__name__)


def keep(cell: Path, stamp: str) -> None:
    """Give the files of a finished cell a second name, under the ``stamp`` of what it stands on.

    Where that fails (no hard links, a full disk) nothing is kept and the cell is finished all the
    same: a lost pack is then trained anew.
    """
    names = _second(cell)
    try:
        shutil.rmtree(names, ignore_errors=True)
        names.mkdir(parents=True)
        for name in FILES:
            os.link(cell / name, names / name)
        write_json(names / STAMP, stamp)
    except (OSError, DataError) as error:
        log.info("%s: not kept for a lost pack (%s)", cell, error)


def restore(cell: Path, stamp: str) -> dict[str, Any] | None:
    """Bring a kept cell back; its summary and status, or None where there is none to bring.

    One of another ``stamp`` (other options, code or data) is left alone; the training that follows
    replaces it.
    """
    names = _second(cell)
    if not (names / STAMP).exists() or read_json(names / STAMP) != stamp:
        return None
    cell.mkdir(parents=True, exist_ok=True)
    for name in FILES:  # status.json comes last
        (cell / name).unlink(missing_ok=True)
        os.link(names / name, cell / name)
        os.utime(cell / name)  # newer than what it stands on, as Snakemake wants it
    log.info("%s: finished before its pack was lost", cell)
    return {**read_json(cell / "summary.json"), **read_json(cell / "status.json")}


def forget(study: Path) -> None:
    """Remove all second names of a study: its packs are over."""
    for folder in (study / KEPT, *study.glob(f"tuning/*/{KEPT}")):
        shutil.rmtree(folder, ignore_errors=True)


def _second(cell: Path) -> Path:
    """``…/.kept/dataset/model/strategy/seed-n`` of ``…/cells/dataset/model/strategy/seed-n``."""
    return cell.parents[4] / KEPT / Path(*cell.parts[-4:])
