"""Tables → figures."""

from pathlib import Path

import pandas as pd

from vaebench import plots
from vaebench.cells.reading import read_frames, truths
from vaebench.machine.logged import job
from vaebench.plots.study import figures

with job(snakemake.log[0]):
    given, params = snakemake.input, snakemake.params
    plots.use_style()
    frames = read_frames(given.frames) | {"traces": pd.read_parquet(given.traces)}
    drawn = figures(frames, truths(given.cards), params.order, params.control, params.confidence)
    for name, draw in drawn.items():
        plots.save(draw(), Path(snakemake.output[0]).parent / name)
