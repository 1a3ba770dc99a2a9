"""Split a verified raw file."""

from pathlib import Path

from vaebench.components import create
from vaebench.datasets.fetch import received
from vaebench.files import read_json
from vaebench.machine.logged import job

with job(snakemake.log[0]):
    receipt = read_json(Path(snakemake.input.raw))
    raw = received(receipt)
    source = {key: receipt[key] for key in receipt if key != "path"}
    dataset = create("vaebench.datasets", snakemake.params.dataset)
    dataset.write_split(raw, Path(snakemake.output[0]).parent, source)
