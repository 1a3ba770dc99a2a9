"""All training is done: open the test part, and say when and with what registration."""

from pathlib import Path

from vaebench.cells.opening import open_tests
from vaebench.machine.logged import job

with job(snakemake.log[0]):
    given, params = snakemake.input, snakemake.params
    path, count = Path(snakemake.output[0]), len(given.trained)
    open_tests(path, params.registered, params.digest, count)
