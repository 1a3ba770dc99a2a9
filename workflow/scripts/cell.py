"""Train one cell and say on the terminal how far the study is."""

from pathlib import Path

from vaebench.cell import run
from vaebench.jobs import announce, job

with job(snakemake.log[0], threads=snakemake.threads):
    out = Path(snakemake.output[0]).parent
    result = run(snakemake.params.spec, Path(snakemake.input.card).parent, out)
    announce(out, result)
