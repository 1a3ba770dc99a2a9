"""The findings as text; an error if a cell failed, when everything else is written."""

from pathlib import Path

from vaebench.machine.logged import job
from vaebench.report.verdict import write

with job(snakemake.log[0]):
    given, params = snakemake.input, snakemake.params
    write(given, params.control, params.confidence, Path(snakemake.output[0]))
