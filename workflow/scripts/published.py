"""Our cells beside published numbers; a base model that misses its paper is said aloud."""

from pathlib import Path

from vaebench.machine.logged import job
from vaebench.report.published import write

with job(snakemake.log[0]):
    cells, out = [Path(path).parent for path in snakemake.input.cells], snakemake.output
    for sentence in write(cells, snakemake.params.datasets, Path(out.table), Path(out.text)):
        print(f"vaebench: warning: {sentence}", flush=True)  # noqa: T201
