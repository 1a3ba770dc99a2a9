"""Measure the uses of one cell's picture VAE."""

from pathlib import Path

from vaebench.images.measure import measure
from vaebench.images.options import ImageStudy
from vaebench.machine.logged import job

with job(snakemake.log[0], threads=snakemake.threads):
    given = snakemake.input
    measure(
        Path(given.cell).parent,
        Path(given.card).parent,
        Path(snakemake.output[0]).parent,
        ImageStudy(**snakemake.params.options),
    )
