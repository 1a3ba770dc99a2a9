"""How far a study is: what its cells and trials have left so far, and how long the rest will take.

From files alone, whoever runs the study and wherever: seals of what is finished, live traces of
what is being trained, logs of what failed. The study is asked nothing and slowed by nothing.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean

from vaebench.cells.folder import TRAINED, CellFolder
from vaebench.cells.live import Watched
from vaebench.files import read_json
from vaebench.machine.leases import is_held
from vaebench.study.plan import Cell, Plan
from vaebench.study.trials import Trials

CHECKPOINT = "checkpoint.pt"

DONE, RUNNING, FAILED, BEGUN, TO_DO = "done", "running", "failed", "begun", "to do"
"""Words for a cell; one that ended without a result has its status: ``diverged``, …"""

BARS = "▁▂▃▄▅▆▇█"


@dataclass
class Standing:
    """One cell or trial.

    Attributes:
        folder: its folder.
        planned: the epochs that it is to train in its job, at most.
        word: see :data:`DONE` and the others.
        reason: why there is no result.
        epochs: trained so far.
        seconds: that they took, all in all where the cell is finished.
        curve: the validation metric that selects, epoch by epoch; a finished cell's is read when
            it is asked for.
        selecting: that metric.
    """

    folder: CellFolder
    planned: int
    word: str = TO_DO
    reason: str = ""
    epochs: int = 0
    seconds: float = 0.0
    curve: list[float] = field(default_factory=list)
    selecting: str = ""

    @property
    def has_result(self) -> bool:
        """Whether nothing more is to be done for it."""
        return self.word not in (RUNNING, FAILED, BEGUN, TO_DO)


class Standings:
    """All cells and trials of a plan; each look reads what is new."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.trials = Trials(plan)
        self.cells = [_planned(cell) for cell in plan.cells.values()]
        self.tried = [self._trial(cell) for cell in self.trials.all_cells()]
        self._watched = {one.folder: Watched(one.folder.path) for one in self.all}

    @property
    def all(self) -> list[Standing]:
        """Trials and cells, in the order in which they run."""
        return [*self.tried, *self.cells]

    def _trial(self, cell: Cell) -> Standing:
        found, rung = _planned(cell), self.trials.rung(cell.folder)
        return found if rung.until is None else Standing(found.folder, rung.epochs)

    def look(self) -> None:
        """Read what is new.

        Raises:
            DataError: a file of a cell is damaged.
        """
        for one in self.all:
            if not one.has_result:
                self._look(one)

    def _look(self, one: Standing) -> None:
        folder = one.folder
        one.reason = ""
        if folder.finished:
            seal = read_json(folder.file(TRAINED[-1]))
            status = seal if folder.trial is not None else read_json(folder.file("status.json"))
            one.word, one.reason = str(status["status"]), str(status["reason"] or "")
            one.epochs, one.seconds = seal.get("until", 0), seal["seconds"]
            one.selecting, one.curve = str(seal.get("selecting") or ""), []
            return
        watched = self._watched[folder]
        watched.look()
        if watched.head is not None:
            one.selecting = str(watched.head["selecting"])
            name = f"validation_{one.selecting}"
            one.curve = [row[name] for row in watched.rows]
            before = watched.head["until"] - one.planned  # of the rungs before
            one.epochs, one.seconds = len(watched.rows) - before, watched.seconds
        if is_held(folder.path):
            one.word = RUNNING
        elif reason := _error(folder):
            one.word, one.reason = FAILED, reason
        elif any(folder.file(name).exists() for name in (CHECKPOINT, TRAINED[-1])) or watched.head:
            one.word = BEGUN
        else:
            one.word = TO_DO

    def curve(self, cells: Sequence[Standing], most: int = 10) -> list[float]:
        """The mean over ``cells``, at most so many of them, epoch by epoch, as far as they are."""
        curves = [curve for one in cells[:most] if (curve := _curve(one))]
        longest = max(map(len, curves), default=0)
        return [fmean(c[n] for c in curves if n < len(c)) for n in range(longest)]

    def left(self) -> float | None:
        """Seconds until all is done, as far as what is done tells; None where it does not.

        An epoch of a (data set, model) takes as long as those before, or if there were none as one
        of all others; a training has as many epochs as those that ended, until then as many as it
        may have; as many cells run side by side as now.
        """
        side_by_side = sum(one.word == RUNNING for one in self.all)
        rates = {block: _rate(ones) for block, ones in _blocks(self.all).items()}
        lengths = {block: _length(ones) for block, ones in _blocks(self.cells).items()}
        seconds, usual = 0.0, _rate(self.all)
        for one in self.all:
            if one.has_result or one.word == FAILED:
                continue
            block = one.folder.dataset, one.folder.model
            rate = usual if rates[block] is None else rates[block]
            if rate is None or not side_by_side:
                return None
            epochs: float = one.planned
            if one.folder.trial is None:
                epochs = min(one.planned, lengths[block] or one.planned)
            seconds += rate * max(epochs - one.epochs, 0 if one.epochs else 1)
        return seconds / side_by_side if side_by_side else 0.0


def counted(ones: Iterable[Standing]) -> str:
    """``12 done, 1 diverged, 2 running, 5 to do``."""
    words = Counter(one.word for one in ones)
    known = (DONE, FAILED, RUNNING, BEGUN, TO_DO)
    order = [DONE, *sorted(words.keys() - {*known}), *known[1:]]
    return ", ".join(f"{words[word]} {word}" for word in order if words[word])


def spark(curve: Sequence[float], width: int = 20) -> str:
    """A curve as a line of bars, the last value of each part of it.

    Its axis is its own, from the value that a tenth is below (the first epochs are far below all
    others) to the highest.
    """
    if not curve:
        return ""
    low, high = sorted(curve)[len(curve) // 10], max(curve)
    parts = min(len(curve), width)
    shown = [curve[(n + 1) * len(curve) // parts - 1] for n in range(parts)]
    steps = len(BARS) - 1
    return "".join(BARS[round(steps * max(y - low, 0) / ((high - low) or 1))] for y in shown)


def _planned(cell: Cell) -> Standing:
    """A cell of which nothing is known yet; a baseline has no epochs and takes one step."""
    return Standing(cell.folder, 1 if cell.is_baseline else cell.spec["training"]["epochs"])


def _curve(one: Standing) -> list[float]:
    if one.curve or not one.has_result or not one.epochs or not one.selecting:
        return one.curve
    import pyarrow.parquet  # noqa: PLC0415 (where nothing is finished nothing is read)

    name = f"validation_{one.selecting}"
    file = one.folder.file("trace.parquet")
    one.curve = pyarrow.parquet.read_table(file, columns=[name])[name].to_pylist()
    return one.curve


def _blocks(ones: Iterable[Standing]) -> dict[tuple[str, str], list[Standing]]:
    found: dict[tuple[str, str], list[Standing]] = {}
    for one in ones:
        found.setdefault((one.folder.dataset, one.folder.model), []).append(one)
    return found


def _rate(ones: Iterable[Standing]) -> float | None:
    """Seconds of an epoch; of a baseline, which has none, of the whole."""
    known = [one for one in ones if one.seconds]
    epochs = sum(one.epochs or 1 for one in known)
    return sum(one.seconds for one in known) / epochs if known else None


def _length(ones: Iterable[Standing]) -> float | None:
    """The epochs of those that ended."""
    ended = [one.epochs for one in ones if one.word == DONE and one.epochs]
    return fmean(ended) if ended else None


def _error(folder: CellFolder) -> str:
    """The last error of a job that left no result, if its log ends with one."""
    logs: Iterator[Path] = (folder.log(stage) for stage in ("test", "train"))
    for log in logs:
        if log.exists():
            lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
            places = [n for n, line in enumerate(lines) if " ERROR " in line]
            if not places or any(" INFO " in line for line in lines[places[-1] :]):
                return ""
            from vaebench.cells.reading import why_missing  # noqa: PLC0415 (pandas)

            return why_missing(folder.path)
    return ""
