"""Measure the uses of one cell's picture VAE."""

from pathlib import Path

from vaebench.images.measure import measure
from vaebench.images.options import ImageStudy
from vaebench.machine.logged import job

with job(snakemake.log[0], threads=snakemake.threads):
    folders = [Path(path).parent for path in (*snakemake.input[:2], snakemake.output[0])]
    measure(*folders, ImageStudy(**snakemake.params.options))
