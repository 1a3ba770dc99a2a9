"""Tables → figures."""

from pathlib import Path

from vaebench.machine.logged import job
from vaebench.plots.study import draw

with job(snakemake.log[0]):
    given, out = snakemake.input, Path(snakemake.output[0]).parent
    draw(given.frames, given.traces, given.cards, snakemake.params, out)
