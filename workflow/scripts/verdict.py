"""End the workflow with an error if a cell failed; by then everything else is written."""

from pathlib import Path

from vaebench.machine.logged import job
from vaebench.report.verdict import write

with job(snakemake.log[0]):
    given = snakemake.input
    write(Path(given.cells), Path(given.results), Path(snakemake.output[0]))
