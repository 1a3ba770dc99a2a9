"""What every job of the workflow does around its one call: a log, one clear sentence on failure."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from vaebench.errors import VaebenchError

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
