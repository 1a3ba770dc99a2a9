"""What was measured of picture VAEs: cells in, figures and a table out."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from vaebench.files import write_frame
from vaebench.plots import pictures as plots
from vaebench.plots import save, use_style
from vaebench.plots.palette import Look
from vaebench.tables import pictures as tables


def write(
    folders: Sequence[Path],
    traces: Path,
    cards: Sequence[Path],
    asked: Mapping[str, Any],
    index: Path,
    table: Path,
) -> None:
    """Draw the figures, list them in ``index``, and write ``table``.

    Args:
        folders: what was measured of each cell.
        traces: ``traces.parquet`` of the study.
        cards: the ``card.json`` of every data set.
        asked: ``options`` of the study's section ``images``, ``order`` and ``control``.
        index: lists the figures, which lie beside it.
        table: one row a cell.
    """
    use_style()
    options, rows, entries = asked["options"], tables.gather(folders), []
    if "bound" in options["figures"]:
        drawn = tables.bounds(pd.read_parquet(traces), rows, cards, asked["control"])
        for dataset, bound in drawn:
            save(plots.bound(*bound), index.parent / f"bound-{dataset}")
            entries.append(plots.entry("bound", dataset, f"bound-{dataset}"))
    figures, seed, look = options["figures"], options["seed"], Look(asked["order"])
    entries += plots.draw(figures, seed, folders, rows, look, index.parent)
    write_frame(table, tables.table(rows))
    plots.write_index(index, entries)
