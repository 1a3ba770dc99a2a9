"""Split a verified raw file."""

from pathlib import Path

from vaebench.cells.stamp import before_split
from vaebench.datasets.jobs import split
from vaebench.machine.logged import job

with job(snakemake.log[0]):
    given, receipt, card = snakemake.params, Path(snakemake.input.raw), Path(snakemake.output[0])
    before_split(card, given.dataset, given.code)
    split(given.dataset, receipt, card.parent, given.drawn_for)
