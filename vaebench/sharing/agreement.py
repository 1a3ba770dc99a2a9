"""Does a study agree with itself: cells with the configuration, documents with the cells?"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

from vaebench.cells import tested
from vaebench.cells.folder import CellFolder, SplitFolder
from vaebench.cells.opening import OPENED
from vaebench.errors import ConfigError, DataError, VaebenchError
from vaebench.files import read_json
from vaebench.sharing import cells, documents, opened, rescore
from vaebench.sharing.bombs import refuse_bombs
from vaebench.sharing.trust import refuse_foreign
from vaebench.statistics.tuning import choose, promote, tried
from vaebench.study.check import check
from vaebench.study.plan import Cell
from vaebench.study.saved import Saved
from vaebench.study.trials import Trials


@contextmanager
def readable(what: object) -> Iterator[None]:
    """Whatever a stranger's file does to its reader is one sentence.

    Raises:
        DataError: the block failed.
    """
    try:
        yield
    except VaebenchError:
        raise
    except MemoryError as error:
        raise DataError(f"{what}: needs more memory than its size explains") from error
    except Exception as error:
        words = " ".join(str(error).split())[:200]
        raise DataError(f"{what}: is damaged ({type(error).__name__}: {words})") from error


class Agreement:
    """A study whose digests are right, checked for what the digests cannot know.

    Args:
        folder: the study.
        trusted: its classes may be others than this package's.

    Raises:
        ConfigError: the study cannot be run, or names classes that are not trusted.
        DataError: it cannot be read.
    """

    def __init__(self, folder: Path, *, trusted: bool = False) -> None:
        with readable(folder):
            refuse_bombs(folder)
            self.study, self.trusted = Saved(folder), trusted
            if not trusted:
                refuse_foreign(self.study.written)
            self.trials = Trials(self.study.plan)
            self.plan = self.trials.plan
            check(self.plan)
            self.trials.check()
            for split in self.plan.splits():
                if not split.card.exists():
                    raise DataError(f"{folder}: data/{split.key}/card.json is missing")
        self.specs: dict[CellFolder, dict[str, Any]] = {}

    def differences(self, ready: Callable[[], None] = lambda: None) -> Iterator[str]:
        """Everything that does not agree, one sentence each; documents only where cells do.

        Args:
            ready: called before documents are made anew.
        """
        found = False
        for sentence in self._below():
            found = True
            yield sentence
        if not found:
            ready()
            with readable(self.study.folder):
                yield from documents.differences(self.study, self.trials)

    def rescored(self, data: Path) -> Iterator[str]:
        """The test values that weights and one's own ``data`` do not give."""
        metrics = self.plan.study.all_metrics
        for split in self.plan.splits():
            with readable(data), rescore.split(self.plan, split, data) as own:
                for folder in self.done():
                    cell = self.plan.cell(folder)
                    if self.plan.card(cell) == split.card:
                        found = rescore.differences(cell, self.specs[folder], own, metrics)
                        yield from self._one(folder.path, found)

    def done(self) -> list[CellFolder]:
        """The finished cells whose files were compared."""
        return [
            folder
            for folder in self.specs
            if read_json(folder.file("status.json"))["status"] == "done"
        ]

    def _below(self) -> Iterator[str]:
        """What does not agree in data, trials and cells."""
        for split in self.plan.splits():
            yield from self._one(split.path, self._card(split))
        for key, path in zip(self.trials.groups, self.trials.choices(), strict=True):
            yield from self._one(Path(path), self._choice(key, Path(path)))
        for cell in self.plan.cells.values():
            if cell.folder.finished:
                yield from self._one(cell.folder.path, self._cell(cell))
        with readable(self.study.folder / OPENED):
            yield from opened.differences(self.study, self.trials)

    def _one(self, path: Path, sentences: Iterator[str]) -> Iterator[str]:
        """The sentences on one file or folder, with its name."""
        name = path.relative_to(self.study.folder)
        try:
            with readable(name):
                yield from (f"{name}: {sentence}" for sentence in sentences)
        except ConfigError as error:
            yield f"{name}: {error}"
        except DataError as error:
            yield str(error)

    def _card(self, split: SplitFolder) -> Iterator[str]:
        """Whether a card is that of the data set, and of the draw, which the study describes."""
        card, options = read_json(split.card), self.plan.split_options(split)
        described, drawn_for = self.plan.split_of(split), self.plan.drawn_for(split)
        if card.get("drawn_for") != drawn_for:
            yield f"card.json: is drawn for {card.get('drawn_for')}, the study for {drawn_for}"
        if card["kind"] != described.kind:
            yield f"card.json has {card['kind']}, the study {described.kind}"
        if "protocol" in card and "split" in options:
            asked = json.loads(json.dumps(options["split"]))
            for sentence in cells.differing(asked, card["protocol"], "protocol"):
                yield f"card.json: {sentence}"
        pinned = {raw.checksum for raw in described.raw_files()}
        source = (card["source"] or {}).get("sha256")
        known = pinned and all(each and each.startswith("sha256:") for each in pinned)
        if known and f"sha256:{source}" not in pinned:
            yield f"card.json: is of a raw file with SHA-256 {source}, not the known one"

    def _choice(self, key: str, path: Path) -> Iterator[str]:
        """Whether a choice follows from its trials, and the trials are those of the design."""
        group, metric = self.trials.groups[key], self.trials.metric(key)
        rungs = [tried(**rung) for rung in self.trials.run(key)]
        for number, (before, rung) in enumerate(pairwise(rungs), 2):
            assert rung.places is not None  # noqa: S101 (a later rung)
            made = promote(group.trials, before, len(rung.cells), metric)
            if json.loads(json.dumps(made)) != read_json(rung.places):
                yield f"the places of rung {number} do not follow from the rung before"
        for cell in map(self.trials.cell, self.trials.folders(key)):
            folder = cell.folder
            places = next(map(Path, self.trials.choice_of(cell)), None)
            asked = cells.specification(cell, places, trusted=self.trusted)
            for sentence in cells.trained(folder.path, asked, self.plan.card(cell)):
                yield f"{folder.path.relative_to(self.study.folder)}: {sentence}"
        choice = choose(group.trials, rungs, metric, group.cell.replicate)
        if json.loads(json.dumps(choice)) != read_json(path):
            yield "does not follow from the trials"

    def _cell(self, cell: Cell) -> Iterator[str]:
        """Whether a cell's files agree with the study and with each other."""
        choice = next((Path(path) for path in self.trials.choice_of(cell)), None)
        asked = cells.specification(cell, choice, trusted=self.trusted)
        yield from cells.trained(cell.folder.path, asked, self.plan.card(cell))
        yield from cells.tested(cell.folder.path, tested.described(self.plan.study.all_metrics))
        self.specs[cell.folder] = asked
