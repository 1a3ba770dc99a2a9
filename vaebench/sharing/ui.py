"""``python -m vaebench ui``: the MLflow pages of all studies, in two processes."""

import os
import sys
from pathlib import Path

from vaebench.sharing.tracking import store
from vaebench.study.keys import Tracking


def main() -> None:
    """Become an MLflow server on the local store, at port 5000 (or the first argument)."""
    uri, artifacts = store({"results": "results", "tracking": Tracking().model_dump()})
    port = sys.argv[1] if len(sys.argv) > 1 else "5000"
    os.environ["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] = "false"
    command = ["mlflow", "server", "--backend-store-uri", uri, "--workers", "1", "--port", port]
    if artifacts:
        command += ["--default-artifact-root", artifacts]
    os.execv(Path(sys.executable).with_name("mlflow"), command)  # noqa: S606 (no shell, our own words)


if __name__ == "__main__":
    main()
