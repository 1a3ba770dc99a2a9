"""What every job of the workflow does around its one call: a log, one clear sentence on failure."""

import logging
import os
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vaebench.errors import VaebenchError
from vaebench.words import METRICS, NATS, names

PROGRESS = "VAEBENCH_PROGRESS"
UNEXPECTED = "unexpected error"
log_to = logging.getLogger(__name__)


@contextmanager
def job(log: str, threads: int | None = None) -> Iterator[None]:
    """Log to the file ``log``; an input's error ends the process with its sentence and status 1.

    Args:
        log: path of the log file.
        threads: how many threads torch may use; None leaves torch alone (and unimported).
    """
    logging.basicConfig(
        filename=log, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", force=True
    )
    logging.captureWarnings(capture=True)
    if threads is not None:
        import torch  # noqa: PLC0415 (only cells need it, and it takes a second to load)

        torch.set_num_threads(threads)
    try:
        yield
    except VaebenchError as error:
        log_to.error("%s", error)  # noqa: TRY400 (the sentence is all there is to say)
        sys.exit(f"vaebench: {error}")
    except Exception:
        log_to.exception(UNEXPECTED)
        raise


def expect(to_run: int, total: int) -> None:
    """Tell the jobs of this workflow run how many of ``total`` cells it will train."""
    os.environ[PROGRESS] = f"{to_run} {total} {time.time()}"


def announce(cell: Path, result: dict[str, Any]) -> None:
    """Say on the terminal how many cells are done and how this one went.

    Args:
        cell: the cell's folder, ``…/cells/dataset/model/strategy/seed-n``.
        result: what :func:`vaebench.cell.run` returned.
    """
    what = "/".join(map(str, names(cell).values()))
    if result["status"] == "done":
        metric = next(name for name in METRICS if name in result["test"])
        value = result["test"][metric]
        digits = 2 if metric in NATS else 4
        found = "–" if value is None else f"{value:.{digits}f}"
        outcome = f"test {METRICS[metric]} {found}, {result['seconds']:.0f} s"
    else:
        outcome = f"{result['status'].upper()}: {result['reason']}"
    print(f"{_done(cell.parents[3])}{what}: {outcome}", flush=True)  # noqa: T201


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


def _done(cells: Path) -> str:
    """``[12/55 cells] ``: the ones this run left alone and the ones it has trained so far."""
    if PROGRESS not in os.environ:  # a job on another machine
        return ""
    to_run, total, since = os.environ[PROGRESS].split()
    finished = cells.glob("*/*/*/*/status.json")
    trained = sum(1 for status in finished if status.stat().st_mtime >= float(since))
    return f"[{int(total) - int(to_run) + trained}/{total} cells] "
