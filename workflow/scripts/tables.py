"""Cells → tables."""

from pathlib import Path

from vaebench import analysis, tables
from vaebench.files import write_frame, write_text
from vaebench.jobs import job
from vaebench.results import Cells, failures, truths

with job(snakemake.log[0]):
    params, out = snakemake.params, Path(snakemake.output[0]).parent
    cells = Cells([Path(path).parent for path in snakemake.input.cells])
    summary = analysis.summary(cells, params.order, params.control, params.confidence)
    write_frame(out / "cells.csv", cells.table())
    write_frame(out / "traces.parquet", cells.traces())
    write_frame(out / "results.csv", summary)
    best = truths(snakemake.input.cards)
    failed = failures(cells.table())
    write_text(
        out / "results.md",
        tables.markdown(summary, failed, best, params.control, params.confidence),
    )
    write_text(out / "results.tex", tables.latex(summary, params.control, params.confidence))
