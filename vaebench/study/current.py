"""Which finished cells are still what the study asks for? Content decides, not times.

Snakemake compares the times of files, and the parameters of a job with a record that lies in
another folder. Both are lost when a study is copied, and times change when nothing else does. A
finished stage has its stamp instead (:mod:`vaebench.cells.stamp`). Before Snakemake looks, what is
current is made to look so, what is not is made to look old, and the user is told.
"""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaebench.cells import stamp
from vaebench.cells.folder import FILES, TESTED, TRAINED, CellFolder, SplitFolder
from vaebench.cells.planned import CODE, moved
from vaebench.errors import DataError
from vaebench.files import digest, read_json
from vaebench.study.plan import Cell, Plan
from vaebench.study.product import PRODUCT

if TYPE_CHECKING:
    from vaebench.study.trials import Trials


OLD = 1e9
"""The time of what is not current: older than any run."""

INSTANT = 1e-3
"""Seconds by which a file is newer than another, on every file system that knows fractions."""

SCRIPTS = PRODUCT / "workflow/scripts"
"""Those of the rules of the workflow."""


@dataclass(frozen=True)
class Stage:
    """One finished stage of a cell.

    Attributes:
        folder: the cell's.
        files: what the stage left, the seal last.
        inputs: the files of other jobs that it depends on.
        wanted: the stamp that the plan asks for, as far as a plan knows it.
        found: the stamp in the seal.
    """

    folder: CellFolder
    files: tuple[str, ...]
    inputs: tuple[Path, ...]
    wanted: dict[str, Any]
    found: dict[str, Any]

    @property
    def name(self) -> str:
        """``training`` or ``status``: the name of its seal."""
        return Path(self.files[-1]).stem

    @property
    def paths(self) -> list[Path]:
        """The stage's files."""
        return [self.folder.file(name) for name in self.files]

    @property
    def trained(self) -> Path | None:
        """Of a test: the seal of the training whose weights it measures."""
        return self.folder.file(TRAINED[-1]) if self.files[0] == TESTED[0] else None

    @property
    def as_planned(self) -> bool:
        """Whether specification and code are those of the plan."""
        return all(self.found.get(key) == value for key, value in self.wanted.items())


class Upkeep:
    """The finished cells and trials of a plan."""

    def __init__(self, plan: Plan, trials: "Trials") -> None:
        self.plan, self.trials = plan, trials
        self.stale: list[Stage] = []
        self.splits: list[SplitFolder] = []
        self._cards: dict[str, str] = {}

    def settle(self) -> None:
        """Give the files of finished stages times that agree with what they hold.

        Where a current stage looks older than its inputs, all current files get one time; a stage
        that is not current gets the oldest time there is, so that Snakemake makes it anew. One of
        which a file is missing is left to Snakemake.

        Raises:
            DataError: the times of files cannot be set.
        """
        current: list[Stage] = []
        outdated: list[Stage] = []
        for stage in self.stages():
            if not stage.as_planned:
                self.stale.append(stage)
            elif all(path.exists() for path in (*stage.inputs, *stage.paths)):
                (current if self._of_these_inputs(stage) else outdated).append(stage)
        made_of = [(path, given) for s in current for path in s.paths for given in s.inputs]
        made_of += [(path, given) for s in current for path in s.paths for given in self._states(s)]
        scripted = self._scripted({given for s in current for given in s.inputs})
        made_of += [(path, given) for path, (_, inputs) in scripted.items() for given in inputs]
        times = {path: path.stat().st_mtime for pair in made_of for path in pair}
        times |= {path: path.stat().st_mtime for path in scripted if path not in times}
        scripts = {path: _time(script) for path, (script, _) in scripted.items()}
        old = any(times[path] < times[given] for path, given in made_of)
        # Snakemake takes what is no newer than its script for the work of another script
        if old or any(times[path] <= time for path, time in scripts.items()):
            known = min((time for time in times.values() if time > OLD), default=OLD + 1)
            level = max([known, *(time + INSTANT for time in scripts.values())])
            for path in times:
                _set_time(path, level)
        self.splits = [split for split in self.plan.splits() if self._split_otherwise(split)]
        old_files = [path for stage in (*self.stale, *outdated) for path in stage.paths]
        for split in self.splits:
            old_files += [split.receipt, split.card]
        old_files += self._tables_without_their_cells()
        for path in filter(Path.exists, old_files):
            _set_time(path, OLD)

    def warning(self) -> str:
        """What will be made anew although it was finished, why, and where the old results are."""
        split = "".join(
            f"vaebench: {name} will be split again, because its options or its code changed; "
            "cells of other data than before are made anew\n"
            for name in dict.fromkeys(split.dataset for split in self.splits)
        )
        if not self.stale:
            return split
        reasons: Counter[str] = Counter()
        for stage in self.stale:
            what = "trained" if stage.files[-1] == TRAINED[-1] else "tested"
            reasons[f"{what} again, {self._reason(stage)}"] += 1
        said = "; ".join(f"{number} will be {why}" for why, number in reasons.items())
        return split + (
            f"vaebench: of the finished cells {said}. Their results stay in "
            f"{self.plan.folder}/.kept and come back when the change is undone\n"
        )

    def uses(self) -> dict[str, list[str]]:
        """Every digest of code that jobs of this study are made with → its files."""
        plan = self.plan
        of_trials = {
            plan.training_code(group.cell): plan.training_sources(group.cell)
            for group in self.trials.groups.values()
        }
        return plan.uses() | of_trials

    def stages(self) -> Iterator[Stage]:
        """All finished stages of the study's cells and trials."""
        for cell in self.plan.cells.values():
            yield from self._trained(cell, self.trials.choice_of(cell))
            if cell.is_baseline:
                continue
            inputs = (cell.folder.file(TRAINED[-1]), self.plan.card(cell))
            code, metrics = self.plan.test_code(cell), self.plan.study.all_metrics
            wanted = stamp.planned(cell.spec, code, metrics, cell.samples)
            yield from self._finished(cell.folder, TESTED, inputs, wanted)
        for cell in self.trials.all_cells():
            yield from self._trained(cell, self.trials.choice_of(cell))

    def _trained(self, cell: Cell, choice: list[str]) -> Iterator[Stage]:
        found = [folder.file(TRAINED[-1]) for folder in cell.stages.values()]
        inputs = (self.plan.card(cell), *found, *map(Path, choice))
        code, tested = self.plan.training_code(cell), cell.is_baseline and cell.folder.trial is None
        metrics = self.plan.study.all_metrics if tested else None
        files = (*TRAINED, *TESTED) if tested else TRAINED
        wanted = stamp.planned(cell.spec, code, metrics)
        yield from self._finished(cell.folder, files, inputs, wanted)

    def _states(self, stage: Stage) -> list[Path]:
        """The states that a trial in a later rung could go on from, as far as they are there."""
        if stage.folder.place is None:
            return []
        return [path for path in map(Path, self.trials.states(stage.folder)) if path.exists()]

    def _tables_without_their_cells(self) -> Iterator[Path]:
        """A table that must look old, because a file of a cell was removed.

        Snakemake does not miss what lies between two files that are up to date, and the tables
        would stand for cells that are gone.
        """
        for cell in self.plan.cells.values():
            there = [cell.folder.file(name).exists() for name in FILES]
            asked = there[-1] or not self.plan.study.finished_only
            if asked and not all(there):
                yield self.plan.folder / "tables/cells.csv"
                return

    def _split_otherwise(self, split: SplitFolder) -> bool:
        """Whether a split is of other options or code; one without a stamp is believed."""
        files = (split.path / stamp.SPLIT, split.card)
        return all(path.exists() for path in files) and not self._stamped(split)

    def _stamped(self, split: SplitFolder) -> bool:
        """Whether a split is there with the stamp that the plan asks for."""
        if not split.card.exists():
            return False
        code = self.plan.dataset_code(split.dataset)
        wanted = stamp.split(self.plan.split_options(split), code)
        try:
            return bool(read_json(split.path / stamp.SPLIT) == wanted)
        except DataError:  # damaged: as good as none
            return False

    def _scripted(self, given: set[Path]) -> dict[Path, tuple[str, list[Path]]]:
        """What scripts made for finished stages: file → script, and what it read of other jobs."""
        made: dict[Path, tuple[str, list[Path]]] = {}
        for split in self.plan.splits():
            if (split.card in given or self._stamped(split)) and split.receipt.exists():
                made[split.receipt] = ("fetch", [])
                made[split.card] = ("split", [split.receipt])
        for key, choice in zip(self.trials.groups, map(Path, self.trials.choices()), strict=True):
            made |= self._placed(key, given)
            if choice in given:
                seals = [folder.file(TRAINED[-1]) for folder in self.trials.folders(key)]
                placed = [Path(self.trials.places(key, n)) for n in self.trials.later(key)]
                made[choice] = ("choice", [p for p in (*seals, *placed) if p.exists()])
        return made

    def _placed(self, key: str, given: set[Path]) -> dict[Path, tuple[str, list[Path]]]:
        """The files of places of a group, and what they were made of."""
        made: dict[Path, tuple[str, list[Path]]] = {}
        for rung in self.trials.later(key):
            path = Path(self.trials.places(key, rung))
            if path in given:
                before = self.trials.cells(key, rung - 1)
                seals = [folder.file(TRAINED[-1]) for seeds in before for folder in seeds]
                seals += [Path(self.trials.places(key, rung - 1))] if rung > 2 else []  # noqa: PLR2004
                made[path] = ("places", [seal for seal in seals if seal.exists()])
        return made

    def _finished(
        self,
        folder: CellFolder,
        files: tuple[str, ...],
        inputs: tuple[Path, ...],
        wanted: dict[str, Any],
    ) -> Iterator[Stage]:
        seal = folder.file(files[-1])
        if not seal.exists():
            return
        try:
            found = read_json(seal).get("stamp") or {}
        except DataError:  # damaged: as good as none
            found = {}
        yield Stage(folder, files, inputs, wanted, found)

    def _of_these_inputs(self, stage: Stage) -> bool:
        """Whether the files that the stage depends on hold what they held."""
        card = next(path for path in stage.inputs if path.name == "card.json")
        key = str(card)
        if key not in self._cards:
            self._cards[key] = digest(card)
        others = [path for path in stage.inputs if path not in (card, stage.trained)]
        found = [stamp.findings(path, stage.folder.place) for path in others]
        trained = stage.trained and digest(stage.trained)
        wanted = {"card": self._cards[key], "found": found, "trained": trained}
        return all(stage.found.get(name) == value for name, value in wanted.items())

    def _reason(self, stage: Stage) -> str:
        if stage.found.get("spec") != stage.wanted["spec"]:
            return "because what the study asks of them changed"
        edited = moved(self.plan.folder / CODE, str(stage.found.get("code")))
        return f"because {', '.join(edited) or 'the code'} changed"


def _set_time(path: Path, time: float) -> None:
    try:
        os.utime(path, (time, time))
    except OSError as error:  # read-only, or another user's
        raise DataError(
            f"cannot set the time of {path}: {error.strerror}; allowed: a folder of results that "
            "is yours (copy it, or give another one: --config results=FOLDER)"
        ) from error


def _time(script: str) -> float:
    """When a script of the workflow was written; a checkout writes all of them."""
    path = SCRIPTS / f"{script}.py"
    return path.stat().st_mtime if path.exists() else OLD
