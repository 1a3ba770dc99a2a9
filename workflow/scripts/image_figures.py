"""Measured picture VAEs → figures and a table."""

from pathlib import Path

from vaebench.machine.logged import job
from vaebench.report.pictures import write

with job(snakemake.log[0]):
    given, out = snakemake.input, [Path(path) for path in snakemake.output]
    cells, cards = [Path(path).parent for path in given.cells], [Path(c) for c in given.cards]
    write(cells, Path(given.traces), cards, snakemake.params, *out)
