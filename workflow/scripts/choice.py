"""Trials → the options of the final cells."""

from pathlib import Path

from vaebench.files import write_json
from vaebench.machine.logged import job
from vaebench.statistics.tuning import choose

with job(snakemake.log[0]):
    params = snakemake.params
    cells = [[Path(folder) for folder in seeds] for seeds in params.cells]
    write_json(Path(snakemake.output[0]), choose(params.designed, cells, params.metric))
