"""The code that the jobs of a run were planned with, and whether it is still there."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from vaebench.files import read_json, write_json

CODE = "code.json"
"""In a study's folder: the files that its jobs were planned with, by digest of the code."""


def planned(path: Path, uses: Mapping[str, Iterable[str]]) -> None:
    """Write what files the jobs of this run are planned with: digest of the code → files."""
    write_json(path, {key: {file: _bytes(file) for file in files} for key, files in uses.items()})


def moved(path: Path, key: str) -> list[str]:
    """The files of the code ``key`` whose bytes are not those that were planned with."""
    return list(_moved(read_json(path).get(key, {}))) if path.exists() else []


def _moved(files: Mapping[str, str]) -> Iterator[str]:
    for file, wanted in files.items():
        if not Path(file).exists() or _bytes(file) != wanted:
            yield file


def _bytes(file: str) -> str:
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()[:16]
