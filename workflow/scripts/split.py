"""Split a verified raw file."""

from pathlib import Path

from vaebench.datasets.jobs import split
from vaebench.machine.logged import job

with job(snakemake.log[0]):
    receipt, card = Path(snakemake.input.raw), Path(snakemake.output[0])
    split(snakemake.params.dataset, receipt, card.parent)
