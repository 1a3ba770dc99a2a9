"""Reading a study's cells back as tidy frames: files in, frames out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet

from vaebench.files import read_json
from vaebench.words import KEYS, names


@dataclass(frozen=True)
class Cells:
    """All cells of a study; frames are made on demand, per-example values one metric at a time."""

    folders: Sequence[Path]

    def table(self) -> pd.DataFrame:
        """One row a cell: its names, status, reason, test means, selection and times."""
        return pd.DataFrame([self._row(folder) for folder in self.folders])

    def traces(self) -> pd.DataFrame:
        """One row a cell and epoch."""
        frames = []
        for folder in self.folders:
            frame = pyarrow.parquet.read_table(folder / "trace.parquet").to_pandas()
            frames.append(frame.assign(**names(folder)))
        return pd.concat(frames, ignore_index=True)

    def values(self, dataset: str, model: str, metric: str) -> dict[str, pd.DataFrame]:
        """Per-example values of the finished cells: strategy → frame (examples × seeds).

        Examples without a value (users without a held-out item) are left out.
        """
        found: dict[str, dict[int, np.ndarray]] = {}
        for folder in self.folders:
            key = names(folder)
            if (key["dataset"], key["model"]) != (dataset, model):
                continue
            if read_json(folder / "status.json")["status"] != "done":
                continue
            if metric in pyarrow.parquet.read_schema(folder / "test.parquet").names:
                column = pyarrow.parquet.read_table(folder / "test.parquet", columns=[metric])
                found.setdefault(key["strategy"], {})[key["seed"]] = column[metric].to_numpy()
        return {strategy: pd.DataFrame(seeds).dropna() for strategy, seeds in found.items()}

    def _row(self, folder: Path) -> dict[str, Any]:
        summary = read_json(folder / "summary.json")
        status = read_json(folder / "status.json")
        selected = summary["selected"] or {}
        last = summary["last"] or {}
        return {
            **names(folder),
            **status,
            **summary["test"],
            "test_examples": summary["test_examples"],
            "test_without_target": summary["test_without_target"],
            "selected_epoch": selected.get("epoch"),
            "beta_selected": selected.get("beta"),
            "beta_last": last.get("beta"),
            "first_distortion": summary["first_batch"].get("distortion"),
            "first_rate": summary["first_batch"].get("rate"),
            "parameters": summary["parameters"],
            "seconds": summary["seconds"],
            "device": summary["device"],
        }


def failures(table: pd.DataFrame) -> pd.DataFrame:
    """The cells that did not finish, with their reason."""
    return table.loc[table["status"] != "done", [*KEYS, "status", "reason"]]


def truths(cards: Sequence[Path | str]) -> dict[str, dict[str, float]]:
    """Data set → best possible test metrics, from its ``card.json``; empty for real data."""
    return {Path(card).parent.name: read_json(Path(card))["truth"] for card in cards}
