"""The folder of a cell: every path of a study that holds a cell's names is built and parsed here.

No import here costs a job time at its start.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

TRAINED = (
    "config.json",
    "trace.parquet",
    "best.safetensors",
    "last.safetensors",
    "training.json",
)
"""What training writes, the seal last; all that a trial of the tuning stage has."""

TESTED = ("test.parquet", "latents.parquet", "summary.json", "status.json")
"""What testing adds, the seal last."""

FILES = (*TRAINED, *TESTED)
"""The files of a finished cell."""

SEALS = {"training.json": TRAINED[:-1], "status.json": (*TRAINED, *TESTED[:-1])}
"""Seal → the files whose digests it holds."""

NAMES = "{dataset}/{model}/{strategy}/seed-{seed}"
"""The names of a cell as a path, also in the rules of the workflow."""

STATE = "state.pt"
"""What a trial leaves beside them for the next rung, until that is done."""

KEYS = ["dataset", "model", "strategy", "seed"]
"""What names a cell."""

NONE = "none"
"""What stands in a baseline's path where a VAE has its strategy."""

SPLITS = ("{dataset}", "{dataset}/replicate-{replicate}")
"""The names of a split as a path: of all cells, or of those of one replicate."""

_LEVELS = NAMES.count("/") + 1
_TRIAL = re.compile(r"(?:^|/)tuning/(?:rung-(\d+)/place-(\d+)|trial-(\d+))$")


@dataclass(frozen=True)
class SplitFolder:
    """A split of the study in the folder ``study``; with ``replicate``, the one that it draws.

    ``…/NAME/data/dataset`` or ``…/NAME/data/dataset/replicate-r``.
    """

    study: Path
    dataset: str
    replicate: int | None = None

    @classmethod
    def parse(cls, card: Path | str) -> Self:
        """The split whose ``card.json`` this is."""
        folder = Path(card).parent
        number = re.fullmatch(r"replicate-(\d+)", folder.name)
        of = folder.parent if number else folder
        return cls(of.parents[1], of.name, int(number[1]) if number else None)

    @property
    def key(self) -> str:
        """The names as a path: ``dataset`` or ``dataset/replicate-r``."""
        names = {"dataset": self.dataset, "replicate": self.replicate}
        return SPLITS[self.replicate is not None].format(**names)

    @property
    def path(self) -> Path:
        """The split's own folder."""
        return self.study / "data" / self.key

    @property
    def card(self) -> Path:
        """What was split, from what, and a digest for each file."""
        return self.path / "card.json"

    @property
    def receipt(self) -> Path:
        """That of the raw file, of which all replicates are made."""
        return self.study / "data" / self.dataset / "raw.json"


def card_among(cards: Iterable[Path | str], dataset: str, replicate: int | None) -> Path | None:
    """The card of the split of a data set that a replicate has: its own, or the only one."""
    splits = [split for split in map(SplitFolder.parse, cards) if split.dataset == dataset]
    own = [split for split in splits if split.replicate == replicate]
    return own[0].card if own else splits[0].card if len(splits) == 1 else None


@dataclass(frozen=True)
class CellFolder:
    """A cell of the study in the folder ``study``; with ``trial``, one of its tuning stage.

    ``…/NAME/cells/dataset/model/strategy/seed-n`` or
    ``…/NAME/tuning/trial-k/cells/dataset/model/strategy/seed-n``. In a later ``rung`` of a tuning
    stage with rungs, ``trial`` is a place:
    ``…/NAME/tuning/rung-r/place-k/cells/dataset/model/strategy/seed-n``.
    In a study of replicates the number of the seed is that of the replicate.
    """

    study: Path
    dataset: str
    model: str
    strategy: str
    seed: int
    trial: int | None = None
    rung: int = 1

    @classmethod
    def parse(cls, path: Path | str) -> Self:
        """The cell whose folder ``path`` is.

        Raises:
            ValueError: it is the folder of no cell.
        """
        path = Path(path)
        home = path.parents[_LEVELS - 1] if len(path.parts) > _LEVELS else Path()
        dataset, model, strategy, seed = path.parts[-_LEVELS:]
        if home.name != "cells" or not seed.removeprefix("seed-").isdecimal():
            raise ValueError(f"{path}: not the folder of a cell; allowed: …/cells/{NAMES}")
        names = dataset, model, strategy, int(seed.removeprefix("seed-"))
        stage = home.parent
        if found := _TRIAL.search(stage.as_posix()):
            rung, place, trial = found.groups()
            study = Path(stage.as_posix()[: found.start()] or ".")
            return cls(study, *names, int(place or trial), int(rung or 1))
        return cls(stage, *names)

    @property
    def names(self) -> dict[str, Any]:
        """``dataset, model, strategy, seed``."""
        return {key: getattr(self, key) for key in KEYS}

    @property
    def key(self) -> str:
        """The names as a path: ``dataset/model/strategy/seed-n``."""
        return NAMES.format(**self.names)

    @property
    def group(self) -> str:
        """What the seeds of a strategy share: ``dataset/model/strategy``."""
        return self.key.rpartition("/")[0]

    @property
    def stage(self) -> Path:
        """The folder that holds the folders of cells: the study's, or that of a trial."""
        return self.study / self._within

    @property
    def _within(self) -> str:
        """The folder of cells within the study."""
        return "." if self.trial is None else f"tuning/{self._tried}"

    @property
    def _tried(self) -> str:
        """The name of a trial, or of a place."""
        return f"trial-{self.trial}" if self.rung == 1 else f"rung-{self.rung}/place-{self.trial}"

    @property
    def path(self) -> Path:
        """The cell's own folder."""
        return self.stage / "cells" / self.key

    @property
    def images(self) -> Path:
        """What the image section of a study measures of it."""
        return self.study / "images/cells" / self.key

    @property
    def label(self) -> str:
        """The cell for people: its names, and the trial where it is one."""
        return self.key if self.trial is None else f"{self._tried}/{self.key}"

    @property
    def kept(self) -> Path:
        """Where the second names of its files lie (:mod:`vaebench.cells.kept`)."""
        return self.stage / ".kept" / self.key

    @property
    def place(self) -> int | None:
        """Of a trial in a later rung, which one: another job says which trial has it."""
        return self.trial if self.rung > 1 else None

    @property
    def state(self) -> Path:
        """The state that a trial leaves for the next rung; it is removed when that is done."""
        return self.path / STATE

    def log(self, stage: str = "train") -> Path:
        """The log of its ``train`` or ``test`` job."""
        below = "cells" if self.trial is None else self._within
        return self.study / "logs" / below / self.key / f"{stage}.log"

    @property
    def finished(self) -> bool:
        """Whether there is a result: of a trial its training, of a cell its test."""
        return self.file(TRAINED[-1] if self.trial is not None else TESTED[-1]).exists()

    def file(self, name: str) -> Path:
        """A file of the cell."""
        return self.path / name
