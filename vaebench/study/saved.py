"""A study read back from its folder, wherever that folder lies now."""

from functools import cached_property
from pathlib import Path
from typing import Any

from vaebench.errors import DataError
from vaebench.files import is_temporary, read_json
from vaebench.study.plan import Plan
from vaebench.study.trials import Trials

NAME = "study.json"
"""The study's configuration, written when a run of the workflow starts."""


class Saved:
    """The folder ``…/NAME`` of a study.

    Raises:
        DataError: it is no such folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        if not (self.folder / NAME).is_file():
            raise DataError(f"{folder}: there is no {NAME} in it; allowed: a study, results/NAME")
        self.written: dict[str, Any] = read_json(self.folder / NAME)
        if not isinstance(self.written, dict) or "name" not in self.written:
            raise DataError(f"{folder / NAME}: is damaged; allowed: a study, as vaebench writes it")
        if self.written["name"] != self.folder.name:
            raise DataError(
                f"{folder}: holds {self.written['name']!r}; allowed: a folder of the study's name"
            )
        # the folder may have moved, and what is not finished is not asked for
        self.config = self.written | {"results": str(self.folder.parent), "finished_only": False}

    @cached_property
    def plan(self) -> Plan:
        """The plan of the study, as if it were to run where it lies now.

        Raises:
            ConfigError: its configuration cannot be run.
        """
        return Plan(self.config)

    def cells(self) -> list[Path]:
        """The folders of all cells of the grid, finished or not."""
        return [self.folder / "cells" / path for path in self.plan.cells]

    def trials(self) -> list[Path]:
        """The folders of all trials of the tuning stage, finished or not."""
        trials = Trials(Plan(self.config))
        return [cell.folder.path for cell in trials.all_cells()]

    def cards(self) -> list[Path]:
        """The cards of the data sets, and of their replicates, that are split."""
        return [split.card for split in self.plan.splits() if split.card.exists()]

    def documents(self) -> list[Path]:
        """Tables, figures and the report, as far as they are there."""
        found = [*self.folder.glob("tables/*"), *self.folder.glob("figures/*")]
        found = [path for path in found if path.suffix != ".parquet" and not is_temporary(path)]
        found.append(self.folder / "report.html")
        return sorted(path for path in found if path.is_file())
