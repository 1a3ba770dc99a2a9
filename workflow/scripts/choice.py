"""Trials → the options of the final cells."""

from pathlib import Path

from vaebench.files import write_json
from vaebench.machine.logged import job
from vaebench.statistics.tuning import choose, tried

with job(snakemake.log[0]):
    given = snakemake.params
    rungs = [tried(**rung) for rung in given.rungs]
    found = choose(given.designed, rungs, given.metric, given.replicate)
    write_json(Path(snakemake.output[0]), found)
