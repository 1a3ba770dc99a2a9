"""What every job of the workflow does around its one call: a log, one clear sentence on failure."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vaebench.errors import VaebenchError
from vaebench.results import METRICS, NATS, names

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
        log_to.exception("unexpected error")
        raise


def announce(cell: Path, result: dict[str, Any], total: int) -> None:
    """Say on the terminal how many cells are done and how this one went.

    Args:
        cell: the cell's folder, ``…/cells/dataset/model/strategy/seed-n``.
        result: what :func:`vaebench.cell.run` returned.
        total: cells in the study.
    """
    done = sum(1 for _ in cell.parents[3].glob("*/*/*/*/status.json"))
    what = "/".join(map(str, names(cell).values()))
    if result["status"] == "done":
        metric = next(name for name in METRICS if name in result["test"])
        value = result["test"][metric]
        digits = 2 if metric in NATS else 4
        found = "–" if value is None else f"{value:.{digits}f}"
        outcome = f"test {METRICS[metric]} {found}, {result['seconds']:.0f} s"
    else:
        outcome = f"{result['status'].upper()}: {result['reason']}"
    print(f"[{done}/{total} cells] {what}: {outcome}", flush=True)  # noqa: T201
