"""Our cells beside published numbers; a base model that misses its paper is said aloud."""

from pathlib import Path

from vaebench.files import write_frame, write_text
from vaebench.machine.logged import job
from vaebench.report import published

with job(snakemake.log[0]):
    numbers = published.load()
    cells = [Path(path).parent for path in snakemake.input.cells]
    table = published.compare(cells, snakemake.params.datasets, numbers)
    write_frame(Path(snakemake.output.table), table)
    write_text(Path(snakemake.output.text), published.markdown(table, numbers))
    for sentence in published.warnings(table):
        print(f"vaebench: warning: {sentence}", flush=True)  # noqa: T201
