"""Measured picture VAEs → figures and a table."""

from pathlib import Path

import pandas as pd

from vaebench import plots
from vaebench.files import write_frame
from vaebench.machine.logged import job
from vaebench.plots import pictures as image_figures
from vaebench.plots.palette import Look
from vaebench.tables import pictures as image_tables

with job(snakemake.log[0]):
    plots.use_style()
    given, params = snakemake.input, snakemake.params
    options, look = params.options, Look(params.order)
    folders = [Path(path).parent for path in given.cells]
    rows = image_tables.gather(folders)
    index = Path(snakemake.output.index)
    traces, cards = pd.read_parquet(given.traces), [Path(card) for card in given.cards]
    entries = []
    if "bound" in options["figures"]:
        for dataset, drawn in image_tables.bounds(traces, rows, cards, params.control):
            plots.save(image_figures.bound(*drawn), index.parent / f"bound-{dataset}")
            entries.append(image_figures.entry("bound", dataset, f"bound-{dataset}"))
    seed = options["seed"]
    entries += image_figures.draw(options["figures"], seed, folders, rows, look, index.parent)
    write_frame(Path(snakemake.output.table), image_tables.table(rows))
    image_figures.write_index(index, entries)
