"""The tables of a study: cells in, files out."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vaebench.cells.reading import Cells, common, failures, splits, truths
from vaebench.files import write_frame, write_text
from vaebench.statistics.diagnostics import diagnostics
from vaebench.statistics.measures import described, frame
from vaebench.statistics.study import Question, analyse
from vaebench.statistics.variance import shares
from vaebench.tables import content, latex, markdown
from vaebench.words import of_replicates


def write(
    folders: Sequence[str], cards: Sequence[str], out: Path, asked: Mapping[str, Any]
) -> None:
    """Write every frame as CSV, ``traces.parquet``, and the tables as Markdown and LaTeX.

    Args:
        folders: of the cells.
        cards: the ``card.json`` of every data set.
        out: the folder of tables.
        asked: the fields of :class:`vaebench.statistics.study.Question` but for its measures.
    """
    cells = Cells([Path(folder) for folder in folders], common(cards))
    table, measures = cells.table(), described(cells.metrics)
    question = Question(**asked, measures=measures)
    control, confidence = question.control, question.confidence
    frames = {
        **analyse(cells, question).frames(),
        "measures": frame(measures),
        "diagnostics": diagnostics(table, question.order),
        "variance": shares(cells.sources(cards), confidence),
        "cells": table,
    }
    if question.varied:
        frames["splits"] = splits(cards).assign(varied=", ".join(question.varied))
    for name, each in frames.items():
        write_frame(out / f"{name}.csv", each)
    write_frame(out / "traces.parquet", cells.traces())
    grids = content.everything(frames, truths(cards), control, confidence, measures)
    write_text(out / "results.md", markdown.document(grids, failures(table)))
    said = of_replicates if question.varied else str
    means = latex.means(frames["results"], control, confidence, measures)
    write_text(out / "results.tex", said(means))
    write_text(out / "tables.tex", latex.sections(grids, measures))
