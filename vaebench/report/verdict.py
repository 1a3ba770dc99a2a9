"""The end of a study: what failed, by when everything else is written."""

from pathlib import Path

import pandas as pd

from vaebench.cells.reading import failures
from vaebench.errors import CellsFailed
from vaebench.files import write_text


def write(cells: Path, results: Path, out: Path) -> None:
    """Write that all cells finished.

    Args:
        cells: the table of cells, ``cells.csv``.
        results: where the tables say what failed.
        out: the verdict.

    Raises:
        CellsFailed: some did not.
    """
    table = pd.read_csv(cells)
    failed = failures(table)
    if len(failed):
        raise CellsFailed(f"{len(failed)} of {len(table)} cells failed; see {results}")
    write_text(out, f"all {len(table)} cells finished\n")
