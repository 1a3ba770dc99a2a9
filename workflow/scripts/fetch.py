"""Find or download a raw file and write its receipt."""

from pathlib import Path

from vaebench.datasets.jobs import find
from vaebench.machine.logged import job

with job(snakemake.log[0]):
    params, receipt = snakemake.params, Path(snakemake.output[0])
    find(params.dataset, params.local, params.beside, params.downloads, receipt)
