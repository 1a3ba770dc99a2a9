"""The code that the jobs of a run were planned with, and whether it is still there."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from vaebench.errors import DataError
from vaebench.files import read_json, write_json

CODE = "code.json"
"""In a study's folder: the files that its jobs were planned with, by digest of the code."""


def planned(path: Path, uses: Mapping[str, Iterable[str]], read: Callable[[str], bytes]) -> None:
    """Write what files the jobs of this run are planned with: digest of the code → files.

    Args:
        path: of the file to write.
        uses: digest of the code → files.
        read: a file's bytes as they were when its digest was made.
    """
    found = {key: {file: _hash(read(file)) for file in files} for key, files in uses.items()}
    write_json(path, found)


def moved(path: Path, key: str) -> list[str]:
    """The files of the code ``key`` whose bytes are not those that were planned with."""
    return list(_moved(read_json(path).get(key, {}))) if path.exists() else []


def unmoved(study: Path, key: str) -> None:
    """Refuse code that was edited since the workflow planned a job with the code ``key``.

    A key that the run did not plan was made of files that it read later, on another machine: then
    every file of the run counts.

    Raises:
        DataError: a source file has other content.
    """
    path = study / CODE
    if not path.exists():
        return
    known = read_json(path)
    files = (
        known[key] if key in known else {f: b for each in known.values() for f, b in each.items()}
    )
    edited = list(_moved(files))
    if edited:
        raise DataError(
            f"{', '.join(edited)}: edited since this run of the workflow began, and the result "
            "would be of other code than planned; allowed: the same command again"
        )


def _moved(files: Mapping[str, str]) -> Iterator[str]:
    for file, wanted in files.items():
        if not Path(file).exists() or _hash(Path(file).read_bytes()) != wanted:
            yield file


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
