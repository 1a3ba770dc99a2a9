"""What was measured of picture VAEs, as frames: files in, frames out."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from vaebench.cells.folder import CellFolder, SplitFolder
from vaebench.errors import DataError
from vaebench.files import read_json


def gather(folders: Sequence[Path]) -> list[dict[str, Any]]:
    """One row a cell: its names and its numbers.

    Raises:
        DataError: a file is damaged, or says another name of its cell.
    """
    rows = []
    for folder in folders:
        names, measured = CellFolder.parse(folder).names, read_json(folder / "metrics.json")
        for name in names.keys() & measured.keys():
            raise DataError(f"{folder / 'metrics.json'}: {name} is no measure; measure it anew")
        rows.append(names | measured)
    return rows


def table(rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """The rows flat: a nested number ``probe: {5: …}`` becomes the column ``probe_5``."""
    return pd.json_normalize(list(rows), sep="_")


def bounds(
    traces: pd.DataFrame, rows: Sequence[dict[str, Any]], cards: Sequence[Path], control: str
) -> Iterator[tuple[str, tuple[pd.DataFrame, int, dict[str, int]]]]:
    """For each data set of pictures, what :func:`vaebench.plots.pictures.bound` needs.

    The control strategy alone: the question is the number of latents, as in AEVB, figure 2.
    """
    images = {
        SplitFolder.parse(card).dataset: read_json(card)["counts"].get("train_images")
        for card in cards
    }
    known = "validation_elbo" in traces  # absent where no model of the study has a bound
    bounded = set(traces.dropna(subset="validation_elbo")["model"]) if known else set()
    for dataset in dict.fromkeys(row["dataset"] for row in rows):
        of_control = [
            row for row in rows if (row["dataset"], row["strategy"]) == (dataset, control)
        ]
        sizes = {
            row["model"]: row["latents"]
            for row in of_control
            if "latents" in row and row["model"] in bounded
        }
        if sizes:
            ordered = dict(sorted(sizes.items(), key=lambda pair: pair[1]))
            chosen = traces[(traces["dataset"] == dataset) & (traces["strategy"] == control)]
            yield dataset, (chosen, images[dataset], ordered)
