"""How far a run of the workflow is: a counter that its jobs share, a line a cell."""

import os
import time
from collections.abc import Iterable
from pathlib import Path

from vaebench.cells.folder import CellFolder
from vaebench.files import read_json
from vaebench.words import METRICS

PROGRESS = "VAEBENCH_PROGRESS"
"""Environment variable: the counter's path, how many cells there will be, when the run began."""

COUNTER = ".finished-"
"""A file in the study's folder, a byte a cell that a run has finished."""


def expect(study: Path, to_run: int) -> None:
    """Tell the jobs of this workflow run how many cells it will finish.

    Each adds a byte to a file that they share: cells of another run at the same time, or of an
    earlier one, are not counted.
    """
    study.mkdir(parents=True, exist_ok=True)
    for left in study.glob(f"{COUNTER}*"):  # by runs that were killed
        if not _alive(int(left.name.removeprefix(COUNTER))):
            left.unlink(missing_ok=True)
    counter = study / f"{COUNTER}{os.getpid()}"
    counter.write_bytes(b"")
    os.environ[PROGRESS] = f"{counter} {to_run} {time.time()}"


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def expect_no_more(study: Path) -> None:
    """The run is over: remove its counter."""
    (study / f"{COUNTER}{os.getpid()}").unlink(missing_ok=True)


def announce(cell: CellFolder) -> None:
    """Say on the terminal how many cells are done and how this one went."""
    status, summary = read_json(cell.file("status.json")), read_json(cell.file("summary.json"))
    if status["status"] == "done":
        about = summary["metrics"]
        metric = next(n for n in (*about, "distortion") if about[n]["better"] == "higher")
        value = summary["test"][metric]
        digits = 2 if about[metric]["unit"] == "nats" else 4
        found = "–" if value is None else f"{value:.{digits}f}"
        outcome = f"test {METRICS.get(metric, metric)} {found}, {summary['seconds']:.0f} s"
    else:
        outcome = f"{status['status'].upper()}: {status['reason']}"
    print(f"{_done()}{cell.label}: {outcome}", flush=True)  # noqa: T201


def without_result(folders: Iterable[str]) -> str:
    """After a run that failed: how many cells have no result, and how to see the others' tables."""
    cells = list(folders)
    missing = sum(not (Path(cell) / "status.json").exists() for cell in cells)
    if not missing:
        return ""
    return (
        f"vaebench: {missing} of {len(cells)} cells have no result; the same command runs them "
        "again; with --config finished_only=true the tables are those of the others\n"
    )


def _done() -> str:
    """``[12/55 cells, 3 min left] ``: of this run of the workflow."""
    if PROGRESS not in os.environ:  # a job by hand
        return ""
    counter, to_run, since = os.environ[PROGRESS].rsplit(" ", 2)
    try:
        if not Path(counter).exists():
            return ""
        with Path(counter).open("ab") as file:  # appends are whole, whoever else does
            file.write(b".")
            file.flush()
            done = os.fstat(file.fileno()).st_size
    except OSError:  # the run is over, or this is another machine
        return ""
    left = max(0, int(to_run) - done)
    minutes = (time.time() - float(since)) / done * left / 60
    when = f", {minutes:.0f} min left" if left and minutes >= 1 else ""
    return f"[{done}/{to_run} cells{when}] "
