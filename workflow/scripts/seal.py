"""Digests of all that the study says, and of the seals of its cells."""

from pathlib import Path

from vaebench.machine.logged import job
from vaebench.sharing.container import seal_study

with job(snakemake.log[0]):
    out = Path(snakemake.output[0])
    seal_study(out.parent, [Path(folder) for folder in snakemake.params.cells])
