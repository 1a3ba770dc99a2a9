"""End the workflow with an error if a cell failed; by then everything else is written."""

from pathlib import Path

import pandas as pd

from vaebench.cells.reading import failures
from vaebench.errors import CellsFailed
from vaebench.files import write_text
from vaebench.machine.logged import job

with job(snakemake.log[0]):
    cells = pd.read_csv(snakemake.input.cells)
    failed = failures(cells)
    if len(failed):
        raise CellsFailed(
            f"{len(failed)} of {len(cells)} cells failed; see {snakemake.input.results}"
        )
    write_text(Path(snakemake.output[0]), f"all {len(cells)} cells finished\n")
