"""``vaebench ui``: the MLflow pages of all studies, in two processes."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from vaebench import credentials
from vaebench.errors import TrackingError, VaebenchError
from vaebench.sharing.store import opened, store
from vaebench.study.keys import Tracking


def main(arguments: Sequence[str]) -> None:
    """Become an MLflow server on the local store, at port 5000 (or the first argument)."""
    parser = argparse.ArgumentParser(
        prog="vaebench ui",
        description="Browse all studies below results/ in MLflow, at http://localhost:PORT.",
        epilog="example: vaebench ui 5001",
    )
    parser.add_argument("port", nargs="?", default="5000", help="by default 5000")
    port = parser.parse_args(arguments).port
    if not (port.isdecimal() and 0 < int(port) < 2**16):
        sys.exit(f"vaebench: port {port!r}: no such port; allowed: a number from 1 to 65535")
    try:
        uri, artifacts = store({"results": "results", "tracking": Tracking().model_dump()})
        if artifacts is None:
            raise TrackingError(f"MLflow is a server already: open {credentials.shown(uri)}")
        with opened(uri, Path("results"), "its pages need a store that answers"):
            pass
    except VaebenchError as error:
        sys.exit(f"vaebench: {error}")
    # not in the list of processes, which everybody on the machine sees
    os.environ["MLFLOW_BACKEND_STORE_URI"] = uri
    os.environ["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] = "false"
    command = ["mlflow", "server", "--workers", "1", "--port", port]
    command += ["--default-artifact-root", artifacts]
    os.execv(Path(sys.executable).with_name("mlflow"), command)  # noqa: S606 (no shell, our own words)


if __name__ == "__main__":
    main(sys.argv[1:])
