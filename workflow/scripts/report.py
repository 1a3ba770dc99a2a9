"""Tables and figures → one HTML page, and a paper's skeleton."""

from vaebench.machine.logged import job
from vaebench.report.page import write

with job(snakemake.log[0]):
    given, out = dict(snakemake.input.items()), dict(snakemake.output.items())
    write(snakemake.params.config, given, out)
