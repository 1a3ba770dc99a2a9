"""Cells → tables."""

from pathlib import Path

from vaebench.machine.logged import job
from vaebench.tables.written import write

with job(snakemake.log[0]):
    params, out = snakemake.params, Path(snakemake.output[0]).parent
    write(params.cells, snakemake.input.cards, out, params.asked)
