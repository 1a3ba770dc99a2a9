"""Cells → tables."""

from pathlib import Path

from vaebench.cells.reading import Cells, failures, truths
from vaebench.files import write_frame, write_text
from vaebench.machine.logged import job
from vaebench.statistics.diagnostics import diagnostics
from vaebench.statistics.measures import described, frame
from vaebench.statistics.study import Question, analyse
from vaebench.statistics.variance import shares
from vaebench.tables import content, latex, markdown

with job(snakemake.log[0]):
    params, out = snakemake.params, Path(snakemake.output[0]).parent
    control, confidence, cards = params.control, params.confidence, snakemake.input.cards
    cells = Cells([Path(folder) for folder in params.cells])
    table = cells.table()
    measures = described(cells.metrics)
    question = Question(
        params.order, control, confidence, params.margin, params.primary, params.units, measures
    )
    frames = {
        **analyse(cells, question).frames(),
        "measures": frame(measures),
        "diagnostics": diagnostics(table, params.order),
        "variance": shares(cells.sources(cards), confidence),
        "cells": table,
    }
    for name, each in frames.items():
        write_frame(out / f"{name}.csv", each)
    write_frame(out / "traces.parquet", cells.traces())
    grids = content.everything(frames, truths(cards), control, confidence, measures)
    write_text(out / "results.md", markdown.document(grids, failures(table)))
    write_text(out / "results.tex", latex.means(frames["results"], control, confidence, measures))
    write_text(out / "tables.tex", latex.sections(grids))
