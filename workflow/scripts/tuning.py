"""Choices → tables and figures of what was tried."""

from pathlib import Path

from vaebench.machine.logged import job
from vaebench.report.tuning import write

with job(snakemake.log[0]):
    study = Path(snakemake.output[0]).parents[1]
    write(snakemake.input.choices, snakemake.params.order, study)
