"""Tables → figures."""

from pathlib import Path

import pandas as pd

from vaebench import plots
from vaebench.jobs import job
from vaebench.palette import Look
from vaebench.results import truths

with job(snakemake.log[0]):
    plots.use_style()
    look, best = Look(snakemake.params.order), truths(snakemake.input.cards)
    summary, cells = pd.read_csv(snakemake.input.summary), pd.read_csv(snakemake.input.cells)
    traces = pd.read_parquet(snakemake.input.traces)
    out = Path(snakemake.output[0]).parent
    control = snakemake.params.control
    plots.save(plots.differences(summary, control, look), out / "differences")
    plots.save(plots.intervals(summary, "ndcg@100", look, best), out / "ranking")
    plots.save(plots.intervals(summary, "elbo", look, best), out / "elbo")
    plots.save(plots.curves(traces, look), out / "curves")
    plots.save(plots.beta(traces, look), out / "beta")
    plots.save(plots.rate_distortion(cells, look), out / "rate_distortion")
