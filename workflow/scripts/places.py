"""Trials of a rung → which of them go on in the next one."""

from pathlib import Path

from vaebench.files import write_json
from vaebench.machine.logged import job
from vaebench.statistics.tuning import promote, tried

with job(snakemake.log[0]):
    given = snakemake.params
    found = promote(given.designed, tried(**given.rung), given.places, given.metric)
    write_json(Path(snakemake.output[0]), found)
