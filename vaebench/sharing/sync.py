"""``vaebench sync results/NAME``: bring MLflow up to date with a study's files.

At any time: after an outage, on a node that has a network, or while the study still runs; with
``--follow`` again and again.
"""

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from vaebench.errors import VaebenchError
from vaebench.sharing.follow import closed, follow, slept
from vaebench.study.saved import Saved


def mirror(folder: Path, *, documents: bool = True) -> dict[str, str]:
    """Mirror what the folder of a study holds, as the workflow and the command line both do.

    Args:
        folder: of the study.
        documents: its tables, figures and report as well, not the cells alone.

    Returns:
        What is mirrored → run id; see :func:`vaebench.sharing.tracking.sync`.
    """
    from vaebench.sharing.tracking import sync  # noqa: PLC0415 (a follower may never need it)

    study = Saved(folder)
    cells = [*study.cells(), *study.trials()]
    return sync(study.config, cells, study.cards(), study.documents() if documents else [])


def main(arguments: Sequence[str]) -> None:
    """Mirror each study's folder; the first error ends it with one sentence and status 1."""
    parser = argparse.ArgumentParser(
        prog="vaebench sync",
        description="Bring MLflow up to date with the files of studies, at any time.",
        epilog="examples:\n  vaebench sync results/default\n"
        "  vaebench sync --follow results/default    every few seconds, until Ctrl-C",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("study", nargs="+", type=Path, help="results/NAME")
    parser.add_argument("--follow", action="store_true", help="of one study, while it runs")
    parser.add_argument("--until-closed", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.follow and len(given.study) > 1:
        parser.error("--follow: several studies; allowed: one")
    say = partial(print, flush=True, file=sys.stderr)
    try:
        if given.follow:
            follow(given.study[0], closed if given.until_closed else slept, say)
            return
        for study in given.study:
            print(f"{study}: {len(mirror(study))} runs are up to date")  # noqa: T201
    except VaebenchError as error:
        sys.exit(f"vaebench: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
