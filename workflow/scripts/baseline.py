"""Fit one baseline and say on the terminal how far the study is."""

from pathlib import Path

from vaebench.baseline_cell import run
from vaebench.jobs import announce, job
from vaebench.leases import alone

given, out = snakemake.input, Path(snakemake.output[0]).parent
with job(snakemake.log[0], threads=snakemake.threads), alone(out):
    choice = Path(given.choice[0]) if given.choice else None
    result = run(snakemake.params.spec, Path(given.card).parent, out, choice=choice)
    announce(out, result)
