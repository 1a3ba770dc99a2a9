"""``python -m vaebench sync results/NAME``: bring MLflow up to date with a study's files.

At any time: after an outage, on a node that has a network, or while the study still runs.
"""

import sys
from pathlib import Path

from vaebench.errors import VaebenchError
from vaebench.sharing.tracking import sync
from vaebench.study.saved import Saved


def main(arguments: list[str]) -> None:
    """Mirror each study's folder; the first error ends it with one sentence and status 1."""
    if not arguments:
        sys.exit("usage: python -m vaebench sync results/NAME …")
    try:
        for argument in arguments:
            study = Saved(Path(argument))
            runs = sync(study.config, study.cells(), study.cards(), study.documents())
            print(f"{argument}: {len(runs)} runs are up to date")  # noqa: T201
    except VaebenchError as error:
        sys.exit(f"vaebench: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
