"""The opening of a study's test part: one file, written once, before the first test job.

``opened.json`` has the digest of what was registered and all that it is of, the time in UTC, and
how many trainings were finished by then. Every test of the study carries digest and time in its
stamp (:mod:`vaebench.cells.stamp`).
"""

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from vaebench.errors import DataError
from vaebench.files import read_json, write_json

OPENED = "opened.json"
"""In a study's folder."""


def open_tests(path: Path, registered: Mapping[str, Any], digest: str, trained: int) -> None:
    """Write ``path``, unless the test part was opened before: then the file stays as it is.

    Args:
        path: of the file, in the study's folder.
        registered: what is registered, as plain data.
        digest: its SHA-256.
        trained: how many trainings were finished before.

    Raises:
        DataError: it was opened with another registration, or the file cannot be written.
    """
    if path.exists():
        before = opening(path)
        if before["registration"] != digest:
            raise DataError(
                f"{path}: the test part was opened at {before['opened_at']} with another "
                "registration; allowed: that one, or another name for the study"
            )
        os.utime(path)
        return
    now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    said = {"registration": digest, "opened_at": now, "trained": trained}
    write_json(path, {**said, "registered": registered})


def opening(path: Path) -> dict[str, str]:
    """``registration`` and ``opened_at``: what a test carries of the opening.

    Raises:
        DataError: the file is missing or damaged.
    """
    content = read_json(path)
    try:
        found = {key: content[key] for key in ("registration", "opened_at")}
        seconds(found["opened_at"])
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{path}: is damaged; allowed: as vaebench wrote it") from error
    return found


def seconds(time: str) -> float:
    """A time of :func:`open_tests` as seconds since 1970."""
    return datetime.fromisoformat(time).timestamp()
