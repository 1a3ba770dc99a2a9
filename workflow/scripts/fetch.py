"""Find or download a raw file and write its receipt."""

from pathlib import Path

from vaebench.components import create
from vaebench.datasets.fetch import fetch
from vaebench.files import write_json
from vaebench.machine.logged import job

with job(snakemake.log[0]):
    dataset = create("vaebench.datasets", snakemake.params.dataset)
    local = Path(snakemake.params.local) if snakemake.params.local else None
    beside = [Path(folder) for folder in snakemake.params.beside]
    receipt = fetch(dataset, local, Path(snakemake.params.downloads), beside)
    write_json(Path(snakemake.output[0]), receipt)
