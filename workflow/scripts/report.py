"""Tables and figures → one HTML page."""

from pathlib import Path

import pandas as pd

from vaebench.files import write_text
from vaebench.jobs import job
from vaebench.report import page
from vaebench.results import truths

with job(snakemake.log[0]):
    given = snakemake.input
    summary, cells = pd.read_csv(given.summary), pd.read_csv(given.cells)
    figures = Path(given.figures[0]).parent
    html = page(snakemake.params.config, summary, cells, truths(given.cards), figures)
    write_text(Path(snakemake.output[0]), html)
